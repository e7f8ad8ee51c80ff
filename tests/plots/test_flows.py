"""Boxes and arrows from top to bottom."""

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from teachkit import plots
from teachkit.plots.flows import ROWS

CHAIN = [plots.Box("x", "1 × 4"), plots.Box("a: Linear", "4", True), plots.Box("add", "4")]


def parts(picture):
    (axes,) = picture.figure.axes
    boxes = [p for p in axes.patches if isinstance(p, FancyBboxPatch)]
    return boxes, [p for p in axes.patches if isinstance(p, FancyArrowPatch)]


def test_boxes_go_down_with_the_longest_way_to_them():
    boxes, arrows = parts(plots.flow(CHAIN, [plots.Arrow(0, 1), plots.Arrow(1, 2), plots.Arrow(0, 2)]))
    assert boxes[0].get_y() > boxes[1].get_y() > boxes[2].get_y()
    assert len(arrows) == 3


def test_boxes_that_hold_learned_numbers_are_coloured():
    boxes, _ = parts(plots.flow(CHAIN, []))
    assert boxes[0].get_facecolor() == boxes[2].get_facecolor() != boxes[1].get_facecolor()


def test_boxes_of_one_level_do_not_overlap():
    boxes, _ = parts(plots.flow(CHAIN, [plots.Arrow(0, 1), plots.Arrow(0, 2)]))
    assert boxes[1].get_y() == boxes[2].get_y()
    assert boxes[1].get_x() + boxes[1].get_width() < boxes[2].get_x()


def test_long_charts_go_on_in_the_next_column_at_the_same_number():
    count = ROWS + 3
    chain = [plots.Box(f"step {place}", "") for place in range(count)]
    picture = plots.flow(chain, [plots.Arrow(place, place + 1) for place in range(count - 1)])
    boxes, arrows = parts(picture)
    assert len({round(box.get_x(), 3) for box in boxes}) == 2
    assert len(arrows) == count  # the one to the next column is cut in two
    assert [text.get_text() for text in picture.figure.axes[0].texts].count("1") == 2


def test_labels_stand_beside_arrows():
    picture = plots.flow(CHAIN, [plots.Arrow(0, 1, "9 edges")], title="Net", alt="x to a: 9 edges")
    assert "9 edges" in [text.get_text() for text in picture.figure.axes[0].texts]
    assert picture.alt == "Net. x to a: 9 edges."


def test_two_arrows_from_another_column_keep_both_numbers_and_labels():
    count = ROWS + 1
    chain = [plots.Box(f"step {place}", "") for place in range(count)]
    arrows = [plots.Arrow(place, place + 1) for place in range(count - 1)]
    arrows += [plots.Arrow(0, count - 1, "first"), plots.Arrow(1, count - 1, "second")]
    words = [text.get_text() for text in plots.flow(chain, arrows).figure.axes[0].texts]
    assert {"first: 1", "second: 2"} <= set(words)
