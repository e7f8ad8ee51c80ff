"""The forward pass as the definition reads: level by level, each neuron adds up what arrives, then activates.

h_i = act_i( sum_j strength_ji * h_j + b_i ); a neuron that pools takes the largest message, not the sum.
This is the version to read; `engine` must give the same numbers and gradients, faster.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from teachkit.errors import FormatError
from teachkit.graphs.activations import activate
from teachkit.graphs.record import MAX

if TYPE_CHECKING:
    from teachkit.graphs.record import ModelGraph


def forward(graph: "ModelGraph", x: Tensor, values: Tensor | None = None) -> Tensor:
    """Outputs [B, *output_shape] of `graph` for inputs [B, *input_shape]."""
    state = states(graph, x, values)  # [N, B]
    return state[graph.outputs].T.reshape(len(x), *graph.output_shape)


def states(graph: "ModelGraph", x: Tensor, values: Tensor | None = None) -> Tensor:
    """The value of every neuron [N, B] after all levels have run."""
    if tuple(x.shape[1:]) != graph.input_shape:
        raise FormatError(
            f"The graph was made for inputs of shape {graph.input_shape}, not {tuple(x.shape[1:])}.",
            "Convert the network again with an example of this shape.",
            shape=tuple(x.shape),
        )
    strength, bias = graph.strength(values), graph.biases(values)
    state = _start(graph, x.to(strength.dtype))
    for nodes, edges in zip(graph.level_nodes[1:], graph.level_edges[1:], strict=True):
        messages = strength[edges, None] * state[graph.edges.src[edges]]  # [edges of this level, B]
        receivers = graph.edges.dst[edges] - nodes.start
        arrived = _collect(messages, receivers, graph.nodes.aggregate[nodes])
        state = torch.cat((state, activate(arrived + bias[nodes, None], graph.nodes.activation[nodes])))
    return state


def _start(graph: "ModelGraph", x: Tensor) -> Tensor:
    """Level 0 [nodes, B]: the input, and 1 for the constant node."""
    state = x.new_zeros(graph.level_nodes[0].stop, len(x))
    state[graph.inputs] = x.flatten(1).T
    if graph.constant >= 0:
        state[graph.constant] = 1
    return state


def _collect(messages: Tensor, receivers: Tensor, aggregate: Tensor) -> Tensor:
    """Sum, or maximum where `aggregate` [nodes] says so, of the messages of each receiver [nodes, B]."""
    empty = messages.new_zeros(len(aggregate), messages.shape[1])
    by_maximum = aggregate == MAX
    if not by_maximum.any():
        return empty.index_add(0, receivers, messages)
    places = receivers.long()[:, None].expand_as(messages)
    largest = empty.scatter_reduce(0, places, messages, "amax", include_self=False)
    if by_maximum.all():
        return largest
    return torch.where(by_maximum[:, None], largest, empty.index_add(0, receivers, messages))
