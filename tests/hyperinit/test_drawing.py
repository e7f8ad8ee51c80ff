"""The graph of a network as pictures and as a table."""

import pytest
import torch
import torchvision
from torch import Tensor, nn

from teachkit.errors import SettingsError
from teachkit.hyperinit import architecture_graph, references
from teachkit.hyperinit.architecture import ACTIVATION, OPS
from teachkit.hyperinit.drawing import nodes
from teachkit.plots.operation_kinds import KINDS


class ShortCut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x)


def test_a_drawing_names_its_nodes_edges_and_kinds():
    alt = architecture_graph(ShortCut()).draw("Tiny").alt
    assert alt.startswith("Tiny. 4 nodes, 4 edges.")
    assert "1 conv, 1 bias, 1 sum, 1 input" in alt


def test_every_kind_of_operation_can_be_drawn():
    assert set(KINDS) == {*OPS, ACTIVATION}


def test_boxes_tell_channels_and_kernel():
    details = {node.kind: node.detail for node in nodes(architecture_graph(ShortCut()))}
    assert details == {"input": (), "conv": ("2→2", "3×3"), "bias": ("2",), "sum": ()}
    linear = nodes(architecture_graph(nn.Linear(3, 5, bias=False)))[1]
    assert linear.detail == ("3→5", "linear")


@pytest.mark.parametrize("name", list(references()))
def test_all_networks_of_the_exam_fit_into_a_drawing(name, monkeypatch):
    from teachkit import plots

    seen = {}
    monkeypatch.setattr(plots, "operations", lambda nodes, edges, **_: seen.update(nodes=nodes, edges=edges))
    graph = architecture_graph(references()[name].build(1, 4, device="meta"))
    graph.draw()
    assert len(seen["nodes"]) == graph.num_nodes <= plots.operation_graphs.MOST_NODES
    assert all(seen["nodes"][a].level < seen["nodes"][b].level for a, b in seen["edges"])


def test_a_large_network_is_refused_as_boxes_but_its_paths_are_drawn():
    with torch.device("meta"):
        graph = architecture_graph(torchvision.models.resnet50())
    with pytest.raises(SettingsError, match="draw_paths"):
        graph.draw()
    assert "127 nodes" in graph.draw_paths().alt
    assert "7,953 pairs" in graph.draw_paths().alt


def test_the_table_has_a_row_a_node_with_shape_and_level():
    graph = architecture_graph(ShortCut())
    assert list(graph.table.columns) == ["op", "layer", "out", "in", "height", "width", "tensors", "level"]
    assert graph.table.iloc[1].to_list() == ["conv", "conv", 2, 2, 3, 3, 1, 1]
    assert list(graph.table["op"]) == list(graph.kinds)
    assert graph.table["tensors"].sum() == 2
