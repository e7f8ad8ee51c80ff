"""Graph layers unrolled: neuron (v, d) reads (u, c) with weight W[d, c] and the gain of the data edge."""

from functools import partial

import torch
from torch import Tensor

from teachkit.graphs.building import Builder, EdgeList, Neurons, Weights
from teachkit.graphs.graph_layers import GCNConv, NeighbourSum, SAGEConv
from teachkit.graphs.rules.registry import rule

Part = tuple[Tensor, Tensor]  # gains [V, V] of node u for node v; ids of the weight matrix [out, in]


@rule(GCNConv)
def _gcn(build: Builder, module: GCNConv, x: Neurons) -> Neurons:
    return _spread(build, x, [(module.normalised, build.weights(module.weight).ids)], _bias(build, module))


@rule(SAGEConv)
def _sage(build: Builder, module: SAGEConv, x: Neurons) -> Neurons:
    itself = torch.eye(len(module.mean))
    parts = [
        (itself, build.weights(module.weight_self).ids),
        (module.mean, build.weights(module.weight_near).ids),
    ]
    return _spread(build, x, parts, _bias(build, module))


@rule(NeighbourSum)
def _neighbour_sum(build: Builder, module: NeighbourSum, x: Neurons) -> Neurons:
    """Feature c only reads feature c, along fixed edges; a learned eps is one more edge."""
    nodes, features = x.shape[1:]
    learned = isinstance(module.eps, torch.nn.Parameter)
    gains = module.matrix.cpu() + torch.eye(nodes) * (1.0 if learned else 1.0 + float(module.eps))
    v, u = gains.nonzero(as_tuple=True)
    gain, weight = gains[v, u], torch.full((len(v),), -1)
    if learned:
        loop = torch.arange(nodes)
        v, u, gain = torch.cat((v, loop)), torch.cat((u, loop)), torch.cat((gain, torch.ones(nodes)))
        weight = torch.cat((weight, build.weights(module.eps).ids.expand(nodes)))

    def write() -> EdgeList:
        src = x.ids[0][u]  # [edges, features]
        dst = v[:, None] * features + torch.arange(features)
        parts = (src, dst, weight[:, None].expand_as(src), gain[:, None].expand_as(src))
        return EdgeList(*(part.flatten() for part in parts))

    return build.layer((nodes, features), len(v) * features, write, x.ids, channel_last=True)


def _bias(build: Builder, module: GCNConv | SAGEConv) -> Weights | None:
    return None if module.bias is None else build.weights(module.bias)


def _spread(build: Builder, x: Neurons, parts: list[Part], bias: Weights | None) -> Neurons:
    """Every feature of a neighbour reaches every new feature, once for each part in which they are joined."""
    nodes, outputs = x.shape[1], len(parts[0][1])
    parts = [(gains.detach().cpu(), weight) for gains, weight in parts]
    count = sum(int((gains != 0).sum()) * weight.numel() for gains, weight in parts)
    return build.layer(
        (nodes, outputs),
        count,
        partial(_write, x.ids[0], parts),
        x.ids,
        bias=None if bias is None else bias.ids.expand(nodes, outputs).flatten(),
        channel_last=True,
    )


def _write(source: Tensor, parts: list[Part]) -> EdgeList:
    lists = []
    for gains, weight in parts:
        v, u = gains.nonzero(as_tuple=True)
        outputs, inputs = weight.shape
        src = source[u][:, None, :].expand(len(u), outputs, inputs)
        dst = (v[:, None] * outputs + torch.arange(outputs))[:, :, None].expand_as(src)
        gain = gains[v, u][:, None, None].expand(src.shape)
        lists.append([part.flatten() for part in (src, dst, weight.expand_as(src), gain)])
    return EdgeList(*(torch.cat(column) for column in zip(*lists, strict=True)))
