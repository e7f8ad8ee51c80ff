"""Operations and weights of a network as boxes, and the lengths of their paths."""

import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from teachkit import plots
from teachkit.errors import SettingsError
from teachkit.plots.operation_graphs import MOST_NODES, ROW, sketch
from teachkit.plots.operation_kinds import KINDS

TINY = [
    plots.Operation("input", (), 0),
    plots.Operation("conv", ("1→1", "3×3"), 1),
    plots.Operation("bias", ("1",), 2),
    plots.Operation("sum", (), 3),
]
SHORT_CUT = np.array([[0, 1], [0, 3], [1, 2], [2, 3]])


def chain(count):
    nodes = [plots.Operation("conv", ("8→8",), level) for level in range(count)]
    return nodes, np.array([[level, level + 1] for level in range(count - 1)])


def boxes(picture):
    return [patch for patch in picture.figure.axes[0].patches if isinstance(patch, FancyBboxPatch)]


def arrows(picture):
    return [patch for patch in picture.figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]


def words(picture):
    return [text.get_text() for text in picture.figure.axes[0].texts]


def test_a_node_is_a_box_with_its_kind_and_size_and_an_edge_is_an_arrow():
    picture = plots.operations(TINY, SHORT_CUT, title="Tiny")
    assert len(boxes(picture)) == len(arrows(picture)) == 4
    assert words(picture) == ["input", "conv", "1→1", "3×3", "bias", "1", "sum"]


def test_kinds_differ_in_word_and_groups_in_colour():
    assert len({kind.word for kind in KINDS.values()}) == len(KINDS)
    colours = [box.get_facecolor() for box in boxes(plots.operations(TINY, SHORT_CUT))]
    assert len(set(colours)) == 4


def test_nodes_go_to_the_right_with_their_level():
    left = [box.get_x() for box in boxes(plots.operations(TINY, SHORT_CUT))]
    assert left == sorted(left)
    assert len(set(left)) == 4


def test_the_words_name_every_edge_of_a_small_graph_and_count_the_kinds():
    alt = plots.operations(TINY, SHORT_CUT, title="Tiny").alt
    assert alt.startswith("Tiny. 4 nodes, 4 edges.")
    assert "1 conv, 1 bias, 1 sum, 1 input" in alt
    assert "input 0 to sum 3" in alt
    large = plots.operations(*chain(20)).alt
    assert "conv 0 to conv 1" not in large
    assert "20 conv" in large


def test_long_networks_go_on_in_the_next_row_at_the_same_number():
    picture = plots.operations(*chain(ROW + 3))
    assert len({round(box.get_y(), 3) for box in boxes(picture)}) == 2
    assert words(picture).count("1") == 2
    assert len(arrows(picture)) == ROW + 3  # the edge to the next row is cut in two


def test_boxes_never_overlap_and_a_branch_lies_below_the_longest_way():
    # A short branch (3) beside a long way (1, 2) between a fork (0) and a sum (4).
    kinds = ("input", "conv", "bn", "conv", "sum")
    levels = (0, 1, 2, 1, 3)
    nodes = [plots.Operation(kind, (), level) for kind, level in zip(kinds, levels, strict=True)]
    edges = np.array([[0, 1], [0, 3], [1, 2], [2, 4], [3, 4]])
    placed = boxes(plots.operations(nodes, edges))
    assert placed[3].get_y() < placed[1].get_y() == placed[2].get_y() == placed[4].get_y()
    spots = {(round(box.get_x(), 3), round(box.get_y(), 3)) for box in placed}
    assert len(spots) == 5


def test_a_graph_with_too_many_boxes_is_refused_with_another_way():
    with pytest.raises(SettingsError, match="draw_paths"):
        plots.operations(*chain(MOST_NODES + 1))


def test_a_graph_of_one_node_can_be_drawn():
    picture = plots.operations([plots.Operation("input", (), 0)], np.zeros((0, 2), dtype=np.int64))
    assert "1 nodes, 0 edges" not in picture.alt
    assert "1 node, 0 edges" in picture.alt


def test_a_sketch_has_a_square_a_node_and_a_line_an_edge():
    axes = plots.picture.new_figure(4, 1).subplots()
    sketch(axes, TINY, SHORT_CUT)
    assert len(axes.collections[0].get_offsets()) == 4
    assert len(axes.patches) == 4
