"""Neurons and edges on paper: every one is there, colours mean what the key says."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from teachkit import plots
from teachkit.plots.neural_graphs import IDENTITY, Field
from teachkit.plots.wirings import Block, Wiring, place


@pytest.fixture
def wiring():
    """Three inputs, a map of 1 × 2 × 2 that shares two numbers, and one maximum over fixed edges."""
    src, dst = np.array([0, 1, 1, 2, 3, 4, 5, 6]), np.array([3, 3, 4, 4, 7, 7, 7, 7])
    return Wiring(
        src=src,
        dst=dst,
        weight=np.array([0, 1, 0, 1, -1, -1, -1, -1]),
        strength=np.array([0.5, -1, 0.5, -1, 1, 1, 1, 1]),
        bias=np.array([0, 0, 0, 0.2, 0.2, 0.2, 0.2, 0]),
        activation=np.array(["none"] * 3 + ["relu"] * 4 + ["none"]),
        aggregate=np.array(["sum"] * 7 + ["max"]),
        blocks=(
            Block("input", "input", (3,), 0, 0, 3),
            Block("conv", "Conv2d", (1, 2, 2), 1, 3, 4),
            Block("pool", "MaxPool2d", (1,), 2, 7, 1),
        ),
        title="Small",
        names={0: "conv.weight[0]", 1: "conv.weight[1]"},
    )


def lines_of(picture, panel=0):
    return [line for part in picture.figure.axes[panel].collections[:2] for line in _each(part)]


def _each(collection):
    if not hasattr(collection, "get_segments"):
        return []
    colours = collection.get_colors()
    return [
        (segment.tolist(), to_hex(colours[number % len(colours)]))
        for number, segment in enumerate(collection.get_segments())
    ]


def test_a_column_a_level_and_no_two_neurons_in_one_place(wiring):
    layout = place(wiring)
    assert layout.x[:3].max() < layout.x[3:7].min() <= layout.x[3:7].max() < layout.x[7]
    assert len({(x, y) for x, y in zip(layout.x, layout.y, strict=True)}) == 8
    assert layout.y[0] > layout.y[1] > layout.y[2]  # ids run downwards


def test_layers_of_one_level_stand_above_each_other(wiring):
    two = (*wiring.blocks[:1], Block("a", "Linear", (2,), 1, 3, 2), Block("b", "Linear", (3,), 1, 5, 3))
    layout = place(Wiring(**(vars(wiring) | {"blocks": two})))
    assert layout.y[3:5].min() > layout.y[5:8].max()
    assert layout.labels[1][1] > layout.y[3:5].max()
    assert layout.y[3:5].min() > layout.labels[2][1]


def test_every_edge_is_a_line_from_neuron_to_neuron(wiring):
    layout = place(wiring)
    drawn = lines_of(plots.neurons(wiring))
    expected = [
        [[layout.x[s], layout.y[s]], [layout.x[d], layout.y[d]]]
        for s, d in zip(wiring.src, wiring.dst, strict=True)
    ]
    assert sorted(line for line, _ in drawn) == sorted(expected)


def test_edges_of_one_number_share_a_colour_and_fixed_ones_are_dashed(wiring):
    picture = plots.neurons(wiring, colours="identity")
    fixed, learned = (part for part in picture.figure.axes[0].collections if hasattr(part, "get_segments"))
    assert len(fixed.get_segments()) == len(learned.get_segments()) == 4
    assert fixed.get_linestyle()[0][1] is not None
    assert learned.get_linestyle()[0][1] is None
    shades = [to_hex(colour) for colour in learned.get_colors()]
    assert shades == [IDENTITY[0].lower(), IDENTITY[1].lower()] * 2


def test_the_strongest_edge_is_the_widest(wiring):
    learned = plots.neurons(wiring).figure.axes[0].collections[1]
    assert learned.get_linewidths()[1] == max(learned.get_linewidths())


def test_the_key_names_numbers_and_counts_their_edges(wiring):
    legend = plots.neurons(wiring, colours="identity").figure.axes[0].get_legend()
    words = [text.get_text() for text in legend.get_texts()]
    assert words[:3] == ["sum, no activation", "sum, then ReLU", "maximum"]
    assert words[3:] == ["fixed: 4 edges", "conv.weight[0]: 2 edges", "conv.weight[1]: 2 edges"]


def test_the_alternative_text_counts_neurons_edges_and_numbers(wiring):
    alt = plots.neurons(wiring, title="Tiny").alt
    assert alt.startswith("Tiny. 8 neurons, 8 edges, 2 distinct numbers on them.")
    assert "conv: 1 × 2 × 2 neurons" in alt


def test_only_what_a_neuron_depends_on_gets_lines(wiring):
    field = Field(3, np.array([0, 1, 3]), np.array([0, 1]), "Neuron 3 sees two.")
    picture = plots.lit_neurons(wiring, [field])
    assert len(lines_of(picture)) == 2
    assert "Lit for channel 0, row 0, column 0 of layer conv. Neuron 3 sees two." in picture.alt


def test_neurons_apart_get_a_panel_each(wiring):
    fields = [
        Field(3, np.array([0, 1, 3]), np.array([0, 1]), "First."),
        Field(4, np.array([1, 2, 4]), np.array([2, 3]), "Second."),
    ]
    assert len(plots.lit_neurons(wiring, fields).figure.axes) == 1
    apart = plots.lit_neurons(wiring, fields, apart=True)
    assert [axes.get_title(loc="left") for axes in apart.figure.axes] == [
        "neuron 3: channel 0, row 0, column 0 of layer conv",
        "neuron 4: channel 0, row 0, column 1 of layer conv",
    ]


def test_too_many_lines_leave_the_last_steps_and_say_so(wiring, monkeypatch):
    monkeypatch.setattr("teachkit.plots.neural_graphs.MOST_LINES", 5)
    field = Field(7, np.arange(8), np.arange(8), "All.")
    picture = plots.lit_neurons(wiring, [field])
    assert len(lines_of(picture)) == 4  # those into the maximum
    assert "Above 5 edges only those nearest" in picture.alt
