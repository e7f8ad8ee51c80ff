"""How the weights of one layer come out of the state of its node, step by step."""

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from teachkit import plots
from teachkit.errors import UnknownNameError, nearest
from teachkit.hyperinit.architecture import ArchitectureGraph, four
from teachkit.hyperinit.decoder import spread

if TYPE_CHECKING:
    from teachkit.hyperinit.initializer import HyperInitializer


@torch.no_grad()
def draw_decoding(
    initializer: "HyperInitializer", module: nn.Module, layer: str, title: str
) -> plots.Picture:
    graph = initializer.graph(module)
    node, shape = _weights_of(graph, layer)
    decoder = initializer.decoder
    state = initializer.states([graph])[node]
    edge = decoder.max_kernel
    places = F.relu(decoder.places(state)).view(edge, edge, -1)
    block = decoder.block(shape)
    channels_out, channels_in, height, width = four(shape)
    weights = decoder.definition(state, shape).reshape(channels_out, channels_in, -1, height, width)
    steps = plots.Decoding(
        state=state.cpu().double().numpy(),
        places=places.norm(dim=2).cpu().double().numpy(),
        weights=weights[:, :, 0].cpu().double().numpy(),  # layers of a volume are equal
        block=block[:2],
        used=block[2:],
        factor=spread(shape),
    )
    return plots.decoding(steps, title=title or f"{graph.name}, {layer}")


def _weights_of(graph: ArchitectureGraph, layer: str) -> tuple[int, tuple[int, ...]]:
    """Node of a layer, and the shape of its weights, channels out first."""
    known = {
        parameter.name.removesuffix(".weight"): (node, parameter.layout)
        for node, covered in enumerate(graph.parameters)
        for parameter in covered
        if parameter.kind == "weight" and not parameter.head
    }
    wanted = layer.removesuffix(".weight")
    if wanted not in known:
        raise UnknownNameError(
            f"No weights of '{layer}' are predicted in {graph.name}.",
            nearest(wanted, known, "layers with predicted weights"),
            name=layer,
        )
    return known[wanted]
