"""Which numbers of different models have the same role, and so can be learned together.

The role of a parameter is the kind of its layer, its shape, and its place among the layers of that kind: the
first convolution of one model matches the first of another if their kernels have equal shapes. The layer that
answers is a place of its own, so the biases of the classes match in all models.
"""

from collections import Counter
from collections.abc import Hashable, Iterable

import torch
from torch import Tensor, nn

from teachkit.graphs import ModelGraph, Union, model_graph

OUTPUT = "output"


def matched(union: Union, only_first_layers: bool = False) -> Tensor:
    """A group for each distinct number of a union [P]: equal for numbers with the same role and position.

    Args:
        only_first_layers: numbers of all other layers share with no other model.
    """
    first: dict[Hashable, int] = {}
    groups, count = [], 0
    for model_number, model in enumerate(union.models):
        group = torch.empty(len(model.values), dtype=torch.int64)
        roles = roles_of(model)
        for parameter, role in zip(model.parameters, roles, strict=True):
            alone = only_first_layers and not _in_first_layer(model, parameter.offset)
            key = (model_number, role) if alone else role
            if key not in first:
                first[key] = count
                count += parameter.size
            place = torch.arange(parameter.size) + first[key]
            group[parameter.offset : parameter.offset + parameter.size] = place
        groups.append(group)
    return torch.cat(groups)


def roles_of(model: ModelGraph) -> list[Hashable]:
    """The role of each parameter of a model; no two of its parameters have the same."""
    kinds = {layer.name: layer.kind for layer in model.layers}
    answers = {model.layers[layer].name for layer in model.nodes.layer[model.outputs].unique().tolist()}
    seen: Counter[Hashable] = Counter()
    roles: list[Hashable] = []
    for parameter in model.parameters:
        module, _, name = parameter.name.rpartition(".")
        kind = (kinds.get(module, module), name)
        place = OUTPUT if module in answers else str(seen[kind])
        seen[kind] += 1
        roles.append((*kind, parameter.shape, place))
    return roles


@torch.no_grad()
def start_alike(networks: Iterable[nn.Module], example: Tensor) -> None:
    """Give parameters with the same role the same numbers, in place: those of the first network that has it.

    If they are then tied by role, they stay equal: the networks have them in common.

    Args:
        networks: which `model_graph` can read.
        example: one input [1, ...].
    """
    first: dict[Hashable, nn.Parameter] = {}
    for network in networks:
        graph = model_graph(network, example)
        for parameter, role in zip(graph.parameters, roles_of(graph), strict=True):
            numbers = network.get_parameter(parameter.name)
            numbers.copy_(first.setdefault(role, numbers))


def _in_first_layer(model: ModelGraph, number: int) -> bool:
    """Whether a number is used where the input is read, on an edge or as a bias."""
    edges, nodes = model.edges, model.nodes
    levels = torch.cat(
        (nodes.level[edges.dst[edges.weight == number].long()], nodes.level[nodes.bias == number])
    )
    return bool((levels == 1).all()) and len(levels) > 0
