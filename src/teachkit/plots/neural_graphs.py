"""A model-graph on paper: every neuron, every edge, and the part that one neuron can see."""

import textwrap
from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from teachkit.plots.picture import (
    BLUE,
    VERMILION,
    Picture,
    caption,
    new_figure,
    sentences,
    styled,
)
from teachkit.plots.wirings import LABEL, Floats, Ints, Layout, Wiring, place

Colours = Literal["value", "identity"]
SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, "#E6E6E6", VERMILION])
# Paul Tol's "muted" scheme (SRON technical note, 2021): nine colours that stay apart for all readers, one for
# each number of a 3 × 3 kernel.
IDENTITY = (
    "#CC6677",
    "#332288",
    "#DDCC77",
    "#117733",
    "#88CCEE",
    "#882255",
    "#44AA99",
    "#999933",
    "#AA4499",
)
FIXED = "#8A8A8A"
UNLIT = "#E4E4E4"
SHAPES = {"none": "o", "relu": "s"}  # all other activations
OTHER, LARGEST = "D", "^"
UNIT_INCHES = 0.42
MOST_LINES = 4000
MOST_NAMES = 10


@styled
def neurons(wiring: Wiring, *, colours: Colours = "value", title: str = "") -> Picture:
    """Every neuron and every edge, layer by layer.

    Args:
        colours: "value" colours an edge by its strength; "identity" gives all edges that use the same number
            the same colour, so that sharing can be seen.
        title: of the figure; name the network.
    """
    layout = place(wiring)
    figure, axes = _canvas(layout, key=2.3)
    everything = np.ones(wiring.num_edges, bool)
    if colours == "value":
        _edges_by_value(axes, wiring, layout)
    else:
        _edges_by_identity(axes, wiring, layout, everything)
    _nodes(axes, wiring, layout, _bias_colours(wiring, wiring.bias))
    _words(axes, wiring, layout)
    _key(figure, axes, wiring, colours)
    figure.suptitle(title or wiring.title)
    said = f"{wiring.counts}. {_meaning(wiring, colours)}"
    _below(figure, said)
    layers = "; ".join(f"{b.name}: {b.size} neurons" for b in wiring.blocks)
    return Picture(figure, sentences(title or wiring.title, said, f"Layers from left to right: {layers}"))


@styled
def lit_neurons(
    wiring: Wiring,
    chosen: Sequence[int],
    nodes: Ints,
    edges: Ints,
    words: str,
    *,
    title: str = "",
) -> Picture:
    """The part of a graph that the chosen neurons depend on in colour, everything else in pale grey.

    Args:
        chosen: the neurons whose receptive fields are shown.
        nodes: ids of all neurons they depend on.
        edges: places of all edges between these.
        words: counts, said under the figure and in the alternative text.
    """
    layout = place(wiring)
    figure, axes = _canvas(layout, key=2.3)
    used = np.zeros(wiring.num_edges, bool)
    used[edges] = True
    shown = _edges_by_identity(axes, wiring, layout, used)
    lit = np.zeros(wiring.num_nodes, bool)
    lit[nodes] = True
    face = np.full((wiring.num_nodes, 4), to_rgba(UNLIT))
    face[lit] = to_rgba(BLUE)
    face[list(chosen)] = to_rgba(VERMILION)
    _nodes(axes, wiring, layout, face, ~lit, layer=0)
    _nodes(axes, wiring, layout, face, lit)
    _words(axes, wiring, layout)
    _beside(axes, _numbers(wiring, used))
    figure.suptitle(title or wiring.title)
    note = "Edges of one colour use the same number" if shown else "Too many edges to draw"
    if shown and len(np.unique(wiring.weight[used & (wiring.weight >= 0)])) > len(IDENTITY):
        note += f" (after {len(IDENTITY)} numbers the colours repeat)"
    _below(figure, f"{words} {note}")
    where = "; ".join(wiring.place_in_block(node) for node in chosen)
    return Picture(figure, sentences(title or wiring.title, f"Lit for {where}", words, note))


def _unit(layout: Layout) -> float:
    """Inches a unit: smaller for wide graphs, but never so small that the words of a layer do not fit."""
    return float(np.clip(9.5 / (layout.width + 2.4), 0.26, UNIT_INCHES))


def _canvas(layout: Layout, key: float) -> tuple[Figure, Axes]:
    """A figure whose units are equal in both directions, with room for a key at the right."""
    low, high = float(layout.y.min()), max(y for _, y in layout.labels) + LABEL
    high, low = max(high, 1.5), min(low, -1.5)
    wide, tall = layout.width + 2.4, high - low + 0.8
    unit = _unit(layout)
    figure = new_figure(max(5.6, wide * unit + key), max(2.9, tall * unit + 1.0))
    axes = figure.subplots()
    axes.set(xlim=(-1.2, layout.width + 1.2), ylim=(low - 0.6, high), aspect="equal")
    axes.axis("off")
    return figure, axes


def _below(figure: Figure, text: str) -> None:
    """A caption that is broken to the width of the figure."""
    caption(figure, textwrap.fill(text, int(figure.get_figwidth() * 12.5)))


def _segments(wiring: Wiring, layout: Layout, which: NDArray[np.bool_]) -> Floats:
    """Lines [E, 2, 2] from neuron to neuron."""
    src, dst = wiring.src[which], wiring.dst[which]
    start = np.stack((layout.x[src], layout.y[src]), 1)
    return np.stack((start, np.stack((layout.x[dst], layout.y[dst]), 1)), 1)


def _edges_by_value(axes: Axes, wiring: Wiring, layout: Layout) -> None:
    """Learned edges coloured and thick by their strength; fixed ones grey and dashed."""
    learned = wiring.weight >= 0
    for which, style in ((~learned, "dashed"), (learned, "solid")):
        if not which.any():
            continue
        strength = wiring.strength[which]
        most = np.abs(wiring.strength[learned]).max(initial=1e-12)
        shades = SIGNED(_scale(wiring)(strength)) if style == "solid" else FIXED
        widths = 0.5 + 2.2 * np.abs(strength) / most if style == "solid" else 0.9
        lines = LineCollection(list(_segments(wiring, layout, which)), linewidths=widths, colors=shades)
        lines.set(linestyle=style, zorder=1)
        axes.add_collection(lines)


def _edges_by_identity(axes: Axes, wiring: Wiring, layout: Layout, which: NDArray[np.bool_]) -> bool:
    """One colour a number; grey where the number is fixed. Draws nothing when there are too many."""
    if which.sum() > MOST_LINES:
        return False
    learned = which & (wiring.weight >= 0)
    thin = float(np.interp(which.sum(), (20, 1000), (1.6, 0.5)))
    for part, style in ((which & ~learned, "dashed"), (learned, "solid")):
        if part.any():
            shades = [_colour(wiring, number) for number in wiring.weight[part]]
            lines = LineCollection(list(_segments(wiring, layout, part)), linewidths=thin, colors=shades)
            lines.set(linestyle=style, zorder=1)
            axes.add_collection(lines)
    return True


def _colour(wiring: Wiring, number: int) -> str:
    """Colour of one of the distinct numbers; neighbours in a kernel differ."""
    return FIXED if number < 0 else IDENTITY[int(number) % len(IDENTITY)]


def _scale(wiring: Wiring) -> Normalize:
    most = float(np.abs(wiring.strength[wiring.weight >= 0]).max(initial=1e-12))
    return Normalize(-most, most)


def _bias_colours(wiring: Wiring, bias: Floats) -> Floats:
    most = float(np.abs(bias).max(initial=1e-12))
    face: Floats = SIGNED(Normalize(-most, most)(bias))
    face[bias == 0] = to_rgba("white")
    return face


def _nodes(
    axes: Axes,
    wiring: Wiring,
    layout: Layout,
    face: Floats,
    which: NDArray[np.bool_] | None = None,
    layer: int = 2,
) -> None:
    """A mark a neuron: its shape is the activation, its size the room it has. Edges lie in layer 1."""
    size = np.clip(0.5 * layout.room * 72 * _unit(layout), 1.2, 15) ** 2
    border = np.where((size > 20) & (layer > 1), 0.8, 0.0)
    kinds = np.array([_shape(wiring, node) for node in range(wiring.num_nodes)])
    for kind in dict.fromkeys(kinds):
        own = kinds == kind if which is None else (kinds == kind) & which
        axes.scatter(
            layout.x[own],
            layout.y[own],
            s=size[own],
            c=face[own],
            marker=str(kind),
            edgecolors="black",
            linewidths=border[own],
            zorder=layer,
        )


def _shape(wiring: Wiring, node: int) -> str:
    if wiring.aggregate[node] == "max":
        return LARGEST
    return SHAPES.get(str(wiring.activation[node]), OTHER)


def _words(axes: Axes, wiring: Wiring, layout: Layout) -> None:
    for block, (x, y) in zip(wiring.blocks, layout.labels, strict=True):
        kind = "" if block.kind == block.name else f"\n{block.kind}"
        text = f"{block.name}{kind}\n{block.size}"
        words = axes.text(x, y, text, ha="center", va="bottom", fontsize=9.5, linespacing=1.15, zorder=3)
        words.set_bbox({"fc": "white", "ec": "none", "alpha": 0.75, "pad": 0.5})


def _key(figure: Figure, axes: Axes, wiring: Wiring, colours: Colours) -> None:
    """What shapes, dashes and colours mean, as far as they occur."""
    kinds = {_shape(wiring, node): _shape_name(wiring, node) for node in range(wiring.num_nodes)}
    entries = [
        Line2D([], [], ls="", marker=mark, mfc="white", mec="black", ms=8, label=name)
        for mark, name in kinds.items()
    ]
    if colours == "identity":
        entries += _numbers(wiring, np.ones(wiring.num_edges, bool))
    elif (wiring.weight < 0).any():
        entries.append(Line2D([], [], color=FIXED, ls="dashed", label="fixed edge"))
    _beside(axes, entries)
    if colours == "value" and (wiring.weight >= 0).any():
        inset = axes.inset_axes((1.05, 0.0, 0.025, 0.42))
        figure.colorbar(ScalarMappable(_scale(wiring), SIGNED), cax=inset, label="weight")


def _beside(axes: Axes, entries: Sequence[Line2D]) -> None:
    axes.legend(handles=entries, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0, fontsize=9.5)


def _shape_name(wiring: Wiring, node: int) -> str:
    if wiring.aggregate[node] == "max":
        return "maximum"
    name = str(wiring.activation[node])
    return {"none": "sum, no activation", "relu": "sum, then ReLU"}.get(name, "sum, then another")


def _numbers(wiring: Wiring, which: NDArray[np.bool_]) -> list[Line2D]:
    """The distinct numbers that are used, with their colour and how many edges use each."""
    numbers, uses = np.unique(wiring.weight[which], return_counts=True)
    entries = []
    for number, count in list(zip(numbers.tolist(), uses.tolist(), strict=True))[:MOST_NAMES]:
        name = "fixed" if number < 0 else wiring.names.get(number, f"number {number}")
        style = "dashed" if number < 0 else "solid"
        label = f"{name}: {count} {'edge' if count == 1 else 'edges'}"
        entries.append(Line2D([], [], color=_colour(wiring, number), ls=style, lw=2, label=label))
    if len(numbers) > len(entries):
        entries.append(Line2D([], [], ls="", label=f"and {len(numbers) - len(entries):,} more"))
    return entries


def _meaning(wiring: Wiring, colours: Colours) -> str:
    bias = "Colour of a neuron: its bias (white: none)."
    if colours == "value":
        return f"Colour and width of an edge: its weight. {bias}"
    more = (
        f" (after {len(IDENTITY)} numbers the colours repeat)" if wiring.num_weights > len(IDENTITY) else ""
    )
    return f"Edges of one colour use the same number{more}. {bias}"
