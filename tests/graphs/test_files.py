"""A saved graph comes back as it was; a damaged file never becomes a graph."""

import numpy as np
import pytest
import torch
from torch import nn

from teachkit import graphs
from teachkit.errors import FormatError


@pytest.fixture
def graph():
    conv, norm = nn.Conv2d(1, 2, 3, stride=2, padding="valid"), nn.BatchNorm2d(2)
    module = nn.Sequential(conv, norm, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 3))
    return graphs.model_graph(module, torch.zeros(1, 1, 6, 6))


def test_a_saved_graph_comes_back_as_it_was(graph, tmp_path):
    again = graphs.ModelGraph.load(graph.save(tmp_path / "network.graph"))
    x = torch.randn(2, 1, 6, 6)
    assert again.forward(x).equal(graph.forward(x))
    assert again.to_module()(x).equal(graph.to_module()(x))
    assert again.layers == graph.layers
    assert again.parameters == graph.parameters
    assert again.name_of(4) == graph.name_of(4)
    for name, array in [*vars(graph.nodes).items(), *vars(graph.edges).items()]:
        twin = getattr(again.nodes, name, None) if hasattr(again.nodes, name) else getattr(again.edges, name)
        assert twin.equal(array), name
        assert twin.dtype == array.dtype, name


def test_every_damaged_byte_is_noticed_or_harmless(graph, tmp_path):
    path = graph.save(tmp_path / "network.graph")
    whole, x = path.read_bytes(), torch.randn(2, 1, 6, 6)
    refused = 0
    for place in range(0, len(whole), len(whole) // 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            again = graphs.ModelGraph.load(path)
        except FormatError:
            refused += 1
        else:  # time stamps and the like carry nothing
            assert again.forward(x).equal(graph.forward(x))
    assert refused > 30


@pytest.mark.parametrize("cut", [0, 10, 0.5, -5])
def test_a_file_that_was_cut_short_is_refused(graph, tmp_path, cut):
    path = graph.save(tmp_path / "network.graph")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * cut) if isinstance(cut, float) else cut])
    with pytest.raises(FormatError, match="not a whole model-graph file"):
        graphs.ModelGraph.load(path)


def test_other_files_and_other_versions_are_refused(graph, tmp_path):
    with pytest.raises(FormatError, match="no file"):
        graphs.ModelGraph.load(tmp_path / "absent")
    np.savez(tmp_path / "other.npz", values=np.zeros(3))
    with pytest.raises(FormatError, match="not a whole model-graph file"):
        graphs.ModelGraph.load(tmp_path / "other.npz")
    with np.load(graph.save(tmp_path / "network.npz")) as archive:
        stored = dict(archive)
    newer = bytes(stored["header"]).replace(b'"version": 1', b'"version": 2')
    np.savez(tmp_path / "newer.npz", **(stored | {"header": np.frombuffer(newer, dtype=np.uint8)}))
    with pytest.raises(FormatError, match=r"version 2.*reads 1"):
        graphs.ModelGraph.load(tmp_path / "newer.npz")


def test_ids_that_point_nowhere_are_refused(graph, tmp_path):
    with np.load(graph.save(tmp_path / "network.npz")) as archive:
        stored = dict(archive)
    stored["edges.src"][0] = 10_000
    np.savez(tmp_path / "network.npz", **stored)
    with pytest.raises(FormatError, match="edge source 10000 does not exist"):
        graphs.ModelGraph.load(tmp_path / "network.npz")
