"""A model-graph on paper: every neuron, every edge, and the part that one neuron can see."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
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
    figure, (axes,) = _canvas(layout, 2.3 if colours == "value" else _room_for_names(wiring))
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


@dataclass(frozen=True, eq=False)
class Field:
    """What one neuron depends on: ids of neurons, places of edges, and the counts as a sentence."""

    node: int
    nodes: Ints
    edges: Ints
    sentence: str


@styled
def lit_neurons(
    wiring: Wiring, fields: Sequence[Field], *, apart: bool = False, note: str = "", title: str = ""
) -> Picture:
    """The part of a graph that the chosen neurons depend on in colour, everything else in pale grey.

    Args:
        fields: what each chosen neuron depends on.
        apart: one drawing a neuron below each other, instead of all in one.
        note: said after the sentences of the fields.
        title: of the figure; name the network.
    """
    layout = place(wiring)
    groups = [[field] for field in fields] if apart else [list(fields)]
    figure, panels = _canvas(layout, _room_for_names(wiring), len(groups))
    cut = [_light(axes, wiring, layout, group) for axes, group in zip(panels, groups, strict=True)]
    if len(groups) > 1:
        for axes, field in zip(panels, fields, strict=True):
            axes.set_title(f"neuron {field.node}: {wiring.place_in_block(field.node)}", loc="left")
    figure.suptitle(title or wiring.title)
    words = " ".join(field.sentence for field in fields)
    notes = [note, "Edges of one colour use the same number."]
    if any(len(_learned(wiring, group)) > len(IDENTITY) for group in groups):
        notes.append(f"After {len(IDENTITY)} numbers the colours repeat.")
    if any(cut):
        notes.append(f"Above {MOST_LINES:,} edges only those nearest to the neuron are drawn.")
    said = " ".join(filter(None, notes))
    _below(figure, f"{words} {said}")
    where = "; ".join(wiring.place_in_block(field.node) for field in fields)
    return Picture(figure, sentences(title or wiring.title, f"Lit for {where}", words, said))


def _light(axes: Axes, wiring: Wiring, layout: Layout, fields: Sequence[Field]) -> bool:
    """Draw what the neurons of `fields` depend on; whether edges had to be left out."""
    used, lit = np.zeros(wiring.num_edges, bool), np.zeros(wiring.num_nodes, bool)
    for field in fields:
        used[field.edges], lit[field.nodes] = True, True
    drawn = _last_steps(wiring, used)
    _edges_by_identity(axes, wiring, layout, drawn)
    face = np.full((wiring.num_nodes, 4), to_rgba(UNLIT))
    face[lit] = to_rgba(BLUE)
    face[[field.node for field in fields]] = to_rgba(VERMILION)
    _nodes(axes, wiring, layout, face, ~lit, layer=0)
    _nodes(axes, wiring, layout, face, lit)
    _words(axes, wiring, layout)
    _beside(axes, _numbers(wiring, used))
    return bool(drawn.sum() < used.sum())


def _last_steps(wiring: Wiring, used: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those of the used edges that lead into the last layers, as many layers as there may be lines."""
    drawn = np.zeros(wiring.num_edges, bool)
    for level in sorted({block.level for block in wiring.blocks}, reverse=True):
        step = used.copy()
        for block in wiring.blocks:
            if block.level != level:
                step &= (wiring.dst < block.first) | (wiring.dst >= block.first + block.nodes)
        if drawn.sum() + step.sum() > MOST_LINES:
            break
        drawn |= step
    return drawn


def _learned(wiring: Wiring, fields: Sequence[Field]) -> Ints:
    """The distinct numbers on the edges of some fields."""
    numbers = np.unique(wiring.weight[np.concatenate([field.edges for field in fields])])
    return numbers[numbers >= 0]


def _room_for_names(wiring: Wiring) -> float:
    """Inches for a key that names numbers and their count of edges."""
    longest = max((len(name) for name in wiring.names.values()), default=10)
    return min(5.0, 1.1 + 0.08 * (longest + len(": 000 edges")))


def _unit(layout: Layout) -> float:
    """Inches a unit: smaller for wide graphs, but never so small that the words of a layer do not fit."""
    return float(np.clip(9.5 / (layout.width + 2.4), 0.26, UNIT_INCHES))


def _canvas(layout: Layout, key: float, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """Axes below each other with equal units in both directions, and room for a key at the right."""
    low, high = float(layout.y.min()), max(y for _, y in layout.labels) + LABEL
    high, low = max(high, 1.5), min(low, -1.5)
    wide, tall = layout.width + 2.4, high - low + 0.8
    unit = _unit(layout)
    height = max(2.0, tall * unit + (0.3 if panels > 1 else 0.0))
    figure = new_figure(max(5.6, wide * unit + key), panels * height + 1.0)
    grid = figure.subplots(panels, squeeze=False)[:, 0]
    for axes in grid:
        axes.set(xlim=(-1.2, layout.width + 1.2), ylim=(low - 0.6, high), aspect="equal")
        axes.set_anchor("W")  # what is left over goes to the key
        axes.axis("off")
    return figure, list(grid)


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


def _edges_by_identity(axes: Axes, wiring: Wiring, layout: Layout, which: NDArray[np.bool_]) -> None:
    """One colour a number; grey and dashed where the number is fixed."""
    learned = which & (wiring.weight >= 0)
    thin = float(np.interp(which.sum(), (20, 1000), (1.6, 0.5)))
    for part, style in ((which & ~learned, "dashed"), (learned, "solid")):
        if part.any():
            shades = [_colour(wiring, number) for number in wiring.weight[part]]
            lines = LineCollection(list(_segments(wiring, layout, part)), linewidths=thin, colors=shades)
            lines.set(linestyle=style, zorder=1)
            axes.add_collection(lines)


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
