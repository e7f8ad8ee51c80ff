"""Which edges of a union learn one scale and shift together, and which biases do.

Only learned edges count: a fixed edge of a pooling layer has nothing to learn.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from teachkit.errors import SettingsError, nearest
from teachkit.graphs import Union
from teachkit.ugnn.roles import matched

NAMES = ("edge", "kernel", "role", "stem")


@dataclass(frozen=True, eq=False)
class Groups:
    """A group for every learned edge and every bias, in the order of the union.

    Attributes:
        edges: int64 [learned edges], numbered from 0.
        biases: int64 [neurons with a bias], numbered from 0.
    """

    edges: Tensor
    biases: Tensor


def choose(groups: "str | int | Groups", union: Union, seed: int) -> Groups:
    """The groups that are meant by "edge", "kernel", "role", "stem" or a number of random groups."""
    edges, biases = learned(union)
    if isinstance(groups, Groups):
        _check(groups, len(edges), len(biases))
        return groups
    if groups == "edge":
        return Groups(torch.arange(len(edges)), torch.arange(len(biases)))
    if groups == "kernel":
        return Groups(edges.unique(return_inverse=True)[1], biases.unique(return_inverse=True)[1])
    if groups in ("role", "stem"):
        role = matched(union, only_first_layers=groups == "stem")
        return Groups(*(role[ids].unique(return_inverse=True)[1] for ids in (edges, biases)))
    if isinstance(groups, str):
        raise SettingsError(
            f"There are no groups '{groups}'.", nearest(groups, NAMES, "groups"), groups=groups
        )
    if groups < 1:
        raise SettingsError(f"{groups} groups are too few.", "Ask for at least one.", groups=groups)
    draw = torch.Generator().manual_seed(seed)
    return Groups(_at_random(len(edges), groups, draw), _at_random(len(biases), groups, draw))


def learned(union: Union) -> tuple[Tensor, Tensor]:
    """Ids, within the union, of the number of each learned edge and of each bias."""
    edges, biases = [], []
    for model, first in zip(union.models, union.value_offsets, strict=True):
        weight, bias = model.edges.weight, model.nodes.bias
        edges.append(weight[weight >= 0] + first)
        biases.append(bias[bias >= 0] + first)
    return torch.cat(edges), torch.cat(biases)


def _at_random(count: int, groups: int, draw: torch.Generator) -> Tensor:
    """Groups of nearly equal size, none of them empty, drawn without regard to model or layer."""
    return torch.randperm(count, generator=draw) % groups


def _check(groups: Groups, edges: int, biases: int) -> None:
    for what, given, count in (("edges", groups.edges, edges), ("biases", groups.biases, biases)):
        if given.shape != (count,) or given.is_floating_point() or (count and int(given.min()) < 0):
            raise SettingsError(
                f"Groups of {what} are whole numbers from 0, one for each of the {count:,} that are learned; "
                f"given is {given.dtype} of shape {tuple(given.shape)}.",
                "Number them in the order of the union.",
            )
