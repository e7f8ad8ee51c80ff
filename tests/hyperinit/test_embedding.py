"""What nodes are as vectors."""

import numpy as np
import pytest
import torch

from teachkit import hyperinit
from teachkit.errors import SettingsError
from teachkit.hyperinit.embedding import CHANNELS, NONE, SIZES, TASK, NodeEmbedding, rows_of


def test_a_vector_is_the_operation_plus_four_quarters(residual):
    graph = hyperinit.architecture_graph(residual())
    embedding = NodeEmbedding(8)
    found = embedding([graph, graph])
    rows = rows_of(graph)
    parts = [embedding.channel.weight[rows[1, 0]], embedding.channel.weight[rows[1, 1]]]
    parts += [embedding.size.weight[rows[1, 2]], embedding.size.weight[rows[1, 3]]]
    torch.testing.assert_close(found[1], embedding.operation.weight[4] + torch.cat(parts))
    assert found[10:].equal(found[:10])


@pytest.mark.parametrize(
    ("channels", "row"),
    [
        (1, 1),
        (2, 3),
        (3, 3),
        (4, 8),
        (7, 8),
        (8, 8),
        (11, 8),
        (12, 16),
        (64, 64),
        (71, 64),
        (72, 80),
        (9999, 8192),
    ],
)
def test_channels_take_the_nearest_row(residual, channels, row):
    graph = hyperinit.architecture_graph(residual())
    graph.shapes[1, 0] = channels
    assert CHANNELS[rows_of(graph)[1, 0] - 2] == row


@pytest.mark.parametrize(
    ("size", "row"), [(1, 1), (2, 3), (3, 3), (6, 7), (11, 11), (12, 11), (13, 14), (40, 16)]
)
def test_kernels_take_the_nearest_row(residual, size, row):
    graph = hyperinit.architecture_graph(residual())
    graph.shapes[1, 2] = size
    assert SIZES[rows_of(graph)[1, 2] - 2] == row


def test_the_number_of_classes_does_not_show(residual):
    few, many = (hyperinit.architecture_graph(residual(classes=classes)) for classes in (2, 50))
    assert np.array_equal(rows_of(few), rows_of(many))
    assert (rows_of(few)[8:, 0] == TASK).all()
    assert (rows_of(few)[0] == NONE).all()


def test_activations_need_a_row(residual):
    graph = hyperinit.architecture_graph(residual(), activations=True)
    assert NodeEmbedding(8, activations=True)([graph]).shape == (12, 8)
    with pytest.raises(SettingsError, match="activations=True"):
        NodeEmbedding(8)([graph])
