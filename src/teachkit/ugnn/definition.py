"""uGNN as the formulas read: change every number, then send messages edge by edge.

    e' = s_e u / (s_e + |u|)   with u = theta_g * e + delta_g   for each learned edge e of group g
    b' = s_b v / (s_b + |v|)   with v = phi_h * b + eps_h       for each bias b of group h

A generator adds to theta, delta, phi and eps of each edge and each bias what it finds right for it.
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
        theta, delta = _changes(model, 0, model.theta, model.delta, model.groups.edges)
        edges = softsign(theta[mine] * edges + delta[mine], _own(model.s_e, number))
        mine = model.bias_owner == number
        biases = model.biases.spread_out(model.biases.values)[mine]
        phi, eps = _changes(model, 1, model.phi, model.eps, model.groups.biases)
        biases = softsign(phi[mine] * biases + eps[mine], _own(model.s_b, number))
        own_numbers = graph.untie()  # first a number for each learned edge, then one for each bias
        outputs.append(definition.forward(own_numbers, batch, torch.cat((edges, biases))))
    return outputs


def softsign(x: Tensor, s: Tensor | float) -> Tensor:
    """f_s(x) = s x / (s + |x|): nearly x where |x| is much smaller than s, and never beyond s."""
    return s * x / (s + x.abs())


def _changes(model: "UGNN", which: int, scale: Tensor, shift: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
    """Scale and shift of each edge (which = 0) or of each bias (which = 1)."""
    scale, shift = scale[group.to(scale.device)], shift[group.to(shift.device)]
    if model.generator is None:
        return scale, shift
    more, further = model.generator()[which]
    return scale + more, shift + further


def _own(scale: Tensor, model: int) -> Tensor:
    """The scale of one model."""
    return scale[model] if scale.dim() else scale
