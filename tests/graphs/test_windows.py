"""Tables of windows and the convolutions made from them, over random settings (oracle: torch)."""

import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from teachkit import graphs
from teachkit.graphs import windows


def test_a_sliding_window_stops_at_the_border():
    assert windows.sliding(4, 4, 3, 1, 1).tolist() == [[-1, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, -1]]
    assert windows.sliding(5, 2, 2, 2, 0, dilation=2).tolist() == [[0, 2], [2, 4]]


def test_adaptive_bins_overlap_when_sizes_do_not_divide():
    assert windows.adaptive(5, 3).tolist() == [[0, 1, -1], [1, 2, 3], [3, 4, -1]]


def test_two_axes_are_combined_row_by_row():
    rows, columns = torch.tensor([[0, 1], [1, -1]]), torch.tensor([[0, 2]])
    assert windows.combine([rows, columns], [2, 3]).tolist() == [[0, 2, 3, 5], [3, 5, -1, -1]]


small = st.integers(1, 3)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), small, small, st.integers(0, 3), small, small)
def test_any_convolution_agrees_with_torch(size, kernel, stride, padding, dilation, groups):
    assume(size + 2 * padding > dilation * (kernel - 1))
    layer = nn.Conv1d(2 * groups, groups, kernel, stride, padding, dilation, groups)
    x = torch.randn(2, 2 * groups, size)
    graph = graphs.model_graph(layer, x)
    assert (graph.forward(x) - layer(x)).abs().max() < 1e-5
    ones = F.conv1d(
        torch.ones_like(x[:1]), torch.ones_like(layer.weight), None, stride, padding, dilation, groups
    )
    assert graph.num_edges == int(ones.sum())


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), small, small, st.integers(0, 1), st.booleans(), st.booleans())
def test_any_pooling_agrees_with_torch(size, kernel, stride, padding, ceil, pads):
    assume(2 * padding <= kernel <= size + 2 * padding)
    x = torch.randn(2, 1, size, size + 1)
    for layer in (
        nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil),
        nn.AvgPool2d(kernel, stride, padding, ceil, pads),
    ):
        assert (graphs.model_graph(layer, x).forward(x) - layer(x)).abs().max() < 1e-5
