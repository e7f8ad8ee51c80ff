"""Counts, receptive fields and the check that messages only flow forward."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from teachkit import graphs
from teachkit.errors import GraphError


@pytest.fixture
def conv():
    """A 3 × 3 kernel on 4 × 4 pixels with padding."""
    return graphs.model_graph(nn.Conv2d(1, 1, 3, padding=1), torch.zeros(1, 1, 4, 4))


def test_border_neurons_have_fewer_edges(conv):
    into, out_of = conv.degrees()
    assert into[16:].view(4, 4).tolist() == [[4, 6, 6, 4], [6, 9, 9, 6], [6, 9, 9, 6], [4, 6, 6, 4]]
    assert out_of[:16].equal(into[16:])


def test_statistics_count_edges_and_distinct_numbers_apart(conv):
    counts = conv.statistics()
    assert (counts["nodes"], counts["edges"], counts["weights"], counts["biases"]) == (32, 100, 9, 1)
    assert counts["edges per weight"] == pytest.approx(100 / 9)
    assert counts["levels"] == 1
    assert counts["density"] == pytest.approx(100 / (32 * 31 / 2))


def test_the_layer_table_adds_up(reference):
    graph = graphs.model_graph(reference["deep"](1, 10), torch.zeros(1, 1, 28, 28))
    table = graph.layer_table()
    assert table["nodes"].sum() == graph.num_nodes
    assert table["edges"].sum() == graph.num_edges
    assert table["kind"].tolist() == ["input", "Conv2d", "Conv2d", "Conv2d", "Linear"]
    assert table["shape"].tolist()[1] == "4 × 14 × 14"


def test_a_receptive_field_grows_backwards(reference):
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 3, 3, stride=2))
    graph = graphs.model_graph(module, torch.zeros(1, 1, 9, 9))
    last = graph.layers[-1]
    field = graph.receptive_field(last.first_node + 3 + 1)  # channel 0, row 1, column 1
    assert field.box == (2, 7, 2, 7)
    assert len(field.inputs) == 25
    assert field.num_edges == 2 * 9 + 2 * 9 * 9
    assert field.num_weights == (2 * 9 + 1) + (2 * 9 + 2)
    assert field.sentence.startswith(
        f"Neuron {last.first_node + 4} sees 25 input values (5 rows × 5 columns)"
    )


def test_the_receptive_field_is_what_the_gradient_sees():
    module = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.AvgPool2d(2), nn.Conv2d(2, 2, 3, dilation=2))
    graph = graphs.model_graph(module, torch.zeros(1, 1, 12, 12))
    x = torch.randn(1, 1, 12, 12, requires_grad=True)
    graph.forward(x)[0, 1, 0, 1].backward()
    field = graph.receptive_field(int(graph.outputs.view(graph.output_shape)[1, 0, 1]))
    assert field.inputs.tolist() == x.grad.flatten().nonzero()[:, 0].tolist()


def test_a_node_that_does_not_exist_is_refused(conv):
    with pytest.raises(GraphError, match="no node 32"):
        conv.receptive_field(32)
    with pytest.raises(GraphError, match="no number 10"):
        conv.name_of(10)


def test_a_back_edge_is_a_cycle_and_fails_the_check(conv):
    conv.check()
    edges = replace(conv.edges, src=conv.edges.src.clone(), dst=conv.edges.dst.clone())
    edges.src[-1], edges.dst[-1] = 31, 0
    with pytest.raises(
        GraphError, match="1 edges do not lead to a higher level; the first goes from node 31 to node 0"
    ):
        replace(conv, edges=edges).check()


@pytest.mark.parametrize(
    ("part", "name", "value", "message"),
    [
        ("edges", "weight", 10, "weight 10 does not exist"),
        ("edges", "src", -1, "edge source -1"),
        ("nodes", "activation", 100, "activation 100"),
        ("nodes", "bias", 99, "bias 99"),
    ],
)
def test_ids_that_point_nowhere_fail_the_check(conv, part, name, value, message):
    array = getattr(getattr(conv, part), name).clone()
    array[0] = value
    with pytest.raises(GraphError, match=message):
        replace(conv, **{part: replace(getattr(conv, part), **{name: array})}).check()


def test_layers_with_gaps_and_shapes_that_do_not_fit_fail_the_check(conv):
    with pytest.raises(GraphError, match=r"Layer 'network' begins at node 16 .* end at 0"):
        replace(conv, layers=(conv.layers[1],), nodes=replace(conv.nodes, layer=conv.nodes.layer * 0)).check()
    with pytest.raises(GraphError, match="15 outputs are announced, and 16 are there"):
        replace(conv, output_shape=(1, 3, 5)).check()


def test_arrays_of_unequal_length_and_unsorted_edges_fail_the_check(conv):
    with pytest.raises(GraphError, match="differ in length"):
        replace(conv, edges=replace(conv.edges, gain=conv.edges.gain[1:])).check()
    flipped = replace(conv.edges, **{name: array.flip(0) for name, array in vars(conv.edges).items()})
    with pytest.raises(GraphError, match="not sorted"):
        replace(conv, edges=flipped).check()
