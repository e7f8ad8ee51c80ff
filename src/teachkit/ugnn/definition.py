"""uGNN as the formulas read: change every number, then send messages edge by edge.

    e' = s_e u / (s_e + |u|)   with u = theta_g * e + delta_g   for each learned edge e of group g
    b' = s_b v / (s_b + |v|)   with v = phi_h * b + eps_h       for each bias b of group h

This is the version to read; `UGNN.forward` must give the same numbers and gradients.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from teachkit.graphs import definition

if TYPE_CHECKING:
    from teachkit.ugnn.model import UGNN


def forward(model: "UGNN", x: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """The outputs of all models, for one batch that all get or a list with one batch a model."""
    outputs = []
    for number, (graph, batch) in enumerate(zip(model.union.models, model.union.batches(x), strict=True)):
        mine = model.edge_owner == number
        edges = model.edges.spread_out(model.edges.values)[mine]
        group = model.groups.edges.to(mine.device)[mine]
        edges = softsign(model.theta[group] * edges + model.delta[group], _own(model.s_e, number))
        mine = model.bias_owner == number
        biases = model.biases.spread_out(model.biases.values)[mine]
        group = model.groups.biases.to(mine.device)[mine]
        biases = softsign(model.phi[group] * biases + model.eps[group], _own(model.s_b, number))
        own_numbers = graph.untie()  # first a number for each learned edge, then one for each bias
        outputs.append(definition.forward(own_numbers, batch, torch.cat((edges, biases))))
    return outputs


def softsign(x: Tensor, s: Tensor | float) -> Tensor:
    """f_s(x) = s x / (s + |x|): nearly x where |x| is much smaller than s, and never beyond s."""
    return s * x / (s + x.abs())


def _own(scale: Tensor, model: int) -> Tensor:
    """The scale of one model."""
    return scale[model] if scale.dim() else scale
