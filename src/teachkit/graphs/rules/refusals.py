"""Layers that have no model-graph, with the reason and what to do instead."""

import torch
import torch.nn.functional as F
from torch import nn

from teachkit.graphs.rules.registry import refuse

refuse(
    *(
        nn.LayerNorm,
        nn.GroupNorm,
        nn.InstanceNorm1d,
        nn.InstanceNorm2d,
        nn.InstanceNorm3d,
        nn.LocalResponseNorm,
    ),
    *(nn.RMSNorm, F.layer_norm, F.group_norm, F.instance_norm, F.normalize, F.local_response_norm),
    why="it divides activations by their own mean or spread, so the strength of an edge depends on the image",
    instead="Use BatchNorm, whose stored numbers are fixed in evaluation mode, or no normalisation.",
)
refuse(
    *(nn.Softmax, nn.LogSoftmax, nn.Softmax2d, nn.Softmin, F.softmax, F.log_softmax),
    *(torch.softmax, torch.log_softmax, "softmax", "log_softmax"),
    why="each output divides by the sum of all, which no sum of weighted messages can do",
    instead="Leave it out: let the network return logits, and apply softmax to what the graph returns.",
)
refuse(
    *(nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder, nn.Transformer),
    *(F.scaled_dot_product_attention, F.multi_head_attention_forward, torch.einsum),
    why="attention multiplies activations, so the strength of an edge depends on the image",
    instead="Use convolutions, linear layers or a fixed graph.",
)
refuse(
    *(nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell),
    why="a recurrent layer runs in a loop and multiplies activations by gates",
    instead="Write the steps out with linear layers and tanh if the sequence has a fixed length.",
)
refuse(
    *(nn.Embedding, nn.EmbeddingBag, F.embedding),
    why="it looks up rows by whole numbers, and a neuron carries a real number",
    instead="Give one-hot rows and a linear layer without bias.",
)
refuse(
    *(nn.SyncBatchNorm, nn.LazyConv2d, nn.LazyLinear),
    why="it is not known in this form",
    instead="Use nn.BatchNorm2d, nn.Conv2d or nn.Linear.",
)
refuse(
    *(nn.FractionalMaxPool2d, nn.RReLU),
    why="it draws random numbers",
    instead="Use a pooling layer or activation without randomness.",
)
refuse(
    *(torch.max, torch.min, "max", "min", torch.topk, "topk", torch.argmax, "argmax"),
    why="it returns positions, or compares two tensors",
    instead="Use amax(dim=...) or a max-pooling layer for the largest value.",
)
