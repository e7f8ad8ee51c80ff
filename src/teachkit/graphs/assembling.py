"""From layers in the order they were made to one record in the order of levels."""

import torch
from torch import Tensor

from teachkit.errors import GraphError
from teachkit.graphs.building import Builder, Draft, EdgeList, Neurons
from teachkit.graphs.record import Edges, Layer, ModelGraph, Nodes


def assemble(build: Builder, outputs: Neurons, input_shape: tuple[int, ...], name: str) -> ModelGraph:
    """Write down all nodes and edges; layers are put in the order of their levels, ids change with them."""
    order = sorted(range(len(build.drafts)), key=lambda place: build.drafts[place].level)
    drafts = [build.drafts[place] for place in order]
    new = _new_ids(build, drafts)
    written = [_edges(draft, new) for draft in drafts]
    layers, node, edge = [], 0, 0
    for draft, (src, _, _, _) in zip(drafts, written, strict=True):
        sources = None if draft.sources is None else new[draft.sources].int()
        layers.append(
            Layer(
                draft.name, draft.kind, draft.shape, draft.level, node, draft.size, edge, len(src),
                dict(draft.settings), sources,
            )
        )  # fmt: skip
        node, edge = node + draft.size, edge + len(src)
    src, dst, weight, gain = (torch.cat([part[i] for part in written]) for i in range(4))
    return ModelGraph(
        nodes=_nodes(drafts),
        edges=Edges(src.int(), dst.int(), weight, gain),
        values=build.values,
        parameters=build.parameters,
        layers=tuple(layers),
        inputs=torch.arange(drafts[0].size),
        outputs=new[outputs.ids].flatten(),
        input_shape=input_shape,
        output_shape=tuple(outputs.shape[1:]),
        constant=int(new[build.constant_id]) if build.constant_id >= 0 else -1,
        name=name,
    )


def _new_ids(build: Builder, drafts: list[Draft]) -> Tensor:
    """New id of each old one; the last entry is -1, so that -1 stays -1."""
    new = torch.full((build.nodes + 1,), -1)
    first = 0
    for draft in drafts:
        new[draft.first : draft.first + draft.size] = torch.arange(first, first + draft.size)
        first += draft.size
    return new


def _edges(draft: Draft, new: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Edges of one layer with new ids, sorted by (dst, src)."""
    edges: EdgeList = draft.write()
    if len(edges.src) != draft.edges:
        raise GraphError(
            f"The rule of '{draft.name}' announced {draft.edges:,} edges and wrote {len(edges.src):,}.",
            "Count the edges in the rule as they are written.",
        )
    src, dst = new[edges.src], edges.dst
    weight = torch.full_like(src, -1) if edges.weight is None else edges.weight
    gain = torch.ones(len(src)) if edges.gain is None else edges.gain.float()
    key = dst * len(new) + src
    if bool((key[1:] < key[:-1]).any()):
        order = torch.argsort(key, stable=True)
        src, dst, weight, gain = src[order], dst[order], weight[order], gain[order]
    return src, dst + int(new[draft.first]), weight, gain


def _nodes(drafts: list[Draft]) -> Nodes:
    def each(numbers: list[int], dtype: torch.dtype) -> Tensor:
        sizes = torch.tensor([draft.size for draft in drafts])
        return torch.tensor(numbers, dtype=dtype).repeat_interleave(sizes)

    places = [_places(draft) for draft in drafts]
    channel, y, x = (torch.cat([place[i] for place in places]).int() for i in range(3))
    none = [torch.full((draft.size,), -1) for draft in drafts]
    bias = [none[i] if draft.bias is None else draft.bias for i, draft in enumerate(drafts)]
    return Nodes(
        layer=each(list(range(len(drafts))), torch.int32),
        channel=channel,
        y=y,
        x=x,
        bias=torch.cat(bias),
        activation=each([draft.activation for draft in drafts], torch.int8),
        aggregate=each([draft.aggregate for draft in drafts], torch.int8),
        level=each([draft.level for draft in drafts], torch.int32),
    )


def _places(draft: Draft) -> tuple[Tensor, Tensor, Tensor]:
    """Channel, y and x of each neuron: [C], [C, X], [C, Y, X]; or [X, C] where channels come last."""
    shape = draft.shape
    if draft.channel_last and len(shape) > 1:
        shape = (shape[-1], *shape[:-1])
    wide = shape[-1] if len(shape) > 1 else 1
    channels = shape[0] if shape else 1
    grid = torch.arange(draft.size).view(channels, -1, wide)
    channel, y, x = (torch.empty_like(grid) for _ in range(3))
    channel[:] = torch.arange(channels)[:, None, None]
    y[:] = torch.arange(grid.shape[1])[:, None] if len(shape) > 2 else -1
    x[:] = torch.arange(wide) if len(shape) > 1 else -1
    if draft.channel_last and len(shape) > 1:
        channel, y, x = (part.movedim(0, -1) for part in (channel, y, x))
    return channel.flatten(), y.flatten(), x.flatten()
