"""Graphs of networks become pictures that say what the graph itself says."""

import pytest
import torch
from torch import nn

from teachkit import graphs
from teachkit.errors import GraphError, SettingsError


@pytest.fixture(autouse=True)
def headless(monkeypatch):
    monkeypatch.setenv("TEACHKIT_HEADLESS", "1")


@pytest.fixture
def conv():
    """A 3 × 3 kernel on 4 × 4 pixels with padding."""
    return graphs.model_graph(nn.Conv2d(1, 1, 3, padding=1), torch.zeros(1, 1, 4, 4))


@pytest.fixture
def network():
    layers = (nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))
    return nn.Sequential(*layers)


def test_small_graphs_are_drawn_neuron_by_neuron(conv):
    picture = conv.draw("identity", title="Kernel")
    assert picture.alt.startswith("Kernel. 32 neurons, 100 edges, 9 distinct numbers on them.")
    words = [text.get_text() for text in picture.figure.axes[0].get_legend().get_texts()]
    assert "weight[0, 0, 1, 1]: 16 edges" in words
    assert "weight[0, 0, 0, 0]: 9 edges" in words


def test_large_graphs_are_drawn_layer_by_layer_with_counts_of_edges(reference):
    graph = graphs.model_graph(reference["deep"](1, 10), torch.zeros(1, 1, 28, 28))
    alt = graph.draw().alt
    assert "2,098 neurons are too many to draw one by one" in alt
    assert "input to 0: Conv2d: 6,724 edges, 36 numbers" in alt
    assert "4: Conv2d to 7: Linear: 1,280 edges, 1,280 numbers" in alt


def test_fixed_edges_of_layers_are_named(network, monkeypatch):
    monkeypatch.setattr("teachkit.graphs.drawing.MOST_NEURONS", 10)
    graph = graphs.model_graph(network, torch.zeros(1, 1, 4, 4))
    assert "0: Conv2d to 2: MaxPool2d: 32 edges, fixed" in graph.draw().alt


def test_receptive_fields_together_count_shared_numbers_once(conv):
    picture = conv.draw_receptive_field(conv.node_at(-1, 0, 1, 1), conv.node_at(-1, 0, 0, 0))
    assert conv.receptive_field(21).sentence in picture.alt
    assert conv.receptive_field(16).sentence in picture.alt
    assert "Together: 13 edges with 9 distinct numbers." in picture.alt


def test_degrees_are_drawn_at_the_place_of_the_neuron(conv):
    texts = conv.draw_degrees().figure.axes[0].texts
    assert [int(text.get_text()) for text in texts[:5]] == [4, 6, 6, 4, 6]
    assert "edges out of a neuron" in conv.draw_degrees("input", "out").alt.lower()


def test_statistics_are_those_of_the_layer_table(network):
    graph = graphs.model_graph(network, torch.zeros(1, 1, 4, 4))
    alt = graph.draw_statistics().alt
    for _, row in graph.layer_table().iloc[1:].iterrows():
        assert f"{row['layer']}: {row['kind']}: {row['edges']:,} edges, {row['weights']:,} distinct" in alt


def test_every_operation_is_a_box_with_shape_and_numbers(network):
    picture = graphs.trace(network, torch.zeros(1, 1, 4, 4)).draw()
    words = [text.get_text() for text in picture.figure.axes[0].texts]
    assert "0: Conv2d" in words
    assert "2 × 4 × 4, 20 numbers" in words
    assert "7 operations, 6 arrows" in picture.alt
    assert graphs.trace(network).draw().alt.count(" to ") == 6


def test_too_many_operations_are_refused_with_their_number(network, monkeypatch):
    monkeypatch.setattr("teachkit.graphs.drawing.MOST_OPERATIONS", 5)
    with pytest.raises(GraphError, match="7 operations are too many"):
        graphs.trace(network).draw()


def test_a_union_is_drawn_as_blocks(conv, network):
    union = graphs.unite([conv, graphs.model_graph(network, torch.zeros(1, 1, 4, 4))])
    alt = union.draw().alt
    assert f"{union.num_nodes:,} neurons, {union.num_edges:,} edges; between two models: 0." in alt
    assert "Conv2d (1): 32 neurons, 100 edges; Sequential (2): 59 neurons" in alt


def test_neurons_are_found_by_their_place(conv):
    assert conv.node_at(-1, 0, 1, 1) == 16 + 5
    assert conv.node_at("input", 0, 3, 2) == int(conv.inputs[14])
    assert conv.layer("network") is conv.layers[1]


def test_places_layers_and_colours_that_do_not_exist_are_refused(conv):
    for place in ((0, 4, 0), (0, 1), (0, -1, 0)):
        with pytest.raises(GraphError, match="has no neuron at"):
            conv.node_at(-1, *place)
    with pytest.raises(GraphError, match="no layer 'dense'"):
        conv.layer("dense")
    with pytest.raises(GraphError, match="no layer 2"):
        conv.draw_degrees(2)
    with pytest.raises(SettingsError, match="'rainbow'"):
        conv.draw("rainbow")
    with pytest.raises(SettingsError, match="No neuron"):
        conv.draw_receptive_field()
    with pytest.raises(SettingsError, match="'up'"):
        conv.draw_degrees(direction="up")


def test_exploring_shows_a_corner_a_middle_and_an_output(network):
    explorer = graphs.model_graph(network, torch.zeros(1, 1, 4, 4)).explore()
    assert explorer.table["where"].tolist() == [
        "channel 0, row 0, column 0 of layer 2",
        "channel 0, row 1, column 1 of layer 2",
        "neuron 0 of layer 4",
    ]
    for node in explorer.table["node"]:
        assert explorer.at(node).sentence in explorer.alt
    assert len(explorer.figure.axes) == 3


def test_the_menu_and_sliders_choose_the_neuron(conv):
    explorer = conv.explore(16)
    layer, channel, row, column, _, view = explorer.widget().children
    assert (channel.disabled, row.max) == (True, 3)
    row.value, column.value = 1, 2
    assert explorer.at(16 + 6).sentence in view.value
    layer.value = "input"
    assert explorer.at(6).sentence in view.value
