"""How large the numbers of each layer are, for several ways to draw them."""

from collections.abc import Mapping, Sequence

import numpy as np

from teachkit.plots.picture import COLOURS, GREY, MARKERS, Picture, caption, new_figure, sentences, styled


@styled
def layer_spreads(
    layers: Sequence[str], spreads: Mapping[str, Sequence[float]], *, title: str = "", note: str = ""
) -> Picture:
    """One line a way, from the first layer to the last, on a logarithmic axis with a line at 1.

    Args:
        layers: what each layer is, such as "16→32, 3×3".
        spreads: name of a way to the standard deviation × √(fan-in / 2) of each layer.
    """
    figure = new_figure(8.8, 4.6)
    axes = figure.subplots()
    places = np.arange(1, len(layers) + 1)
    axes.axhline(1, color=GREY, lw=1.0, zorder=0)
    for index, (name, values) in enumerate(spreads.items()):
        colour, mark = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        axes.plot(places, values, marker=mark, ms=6, lw=1.2, color=colour, label=name)
    axes.set(yscale="log", ylabel="standard deviation × √(fan-in / 2)")
    if len(layers) <= 20:
        axes.set_xticks(places, layers, rotation=55, ha="right", fontsize=9, rotation_mode="anchor")
    else:
        axes.set_xlabel("layer, from input to output")
    low, high = min(map(min, spreads.values())), max(map(max, spreads.values()))
    axes.set_ylim(min(low / 1.5, 0.5), max(high * 1.5, 2))
    axes.set_yticks(
        ticks := [t for t in (0.01, 0.03, 0.1, 0.3, 1, 3, 10) if low / 1.5 <= t <= max(high * 1.5, 2)]
    )
    axes.set_yticklabels([f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(spreads))
    figure.suptitle(title)
    caption(figure, note)
    said = "; ".join(f"{name} {np.median(values):.2f}" for name, values in spreads.items())
    return Picture(figure, sentences(title, f"Median over {len(layers)} layers: {said}", note))
