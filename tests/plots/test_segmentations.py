"""Truth beside prediction: colours say what the words say, and nothing is drawn that does not fit."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from teachkit import plots
from teachkit.errors import FormatError
from teachkit.plots.picture import BLUE, ORANGE, PURPLE, VERMILION

IMAGE = np.full((4, 6, 3), 200, np.uint8)
TRUTH = np.array([[0, 0, 1, 1, 0, 0]] * 4)


def drawn(picture):
    """Pixels of each panel, row by row."""
    return [axes.images[0].get_array() for axes in picture.figure.axes]


def is_colour(pixels, colour):
    return np.isclose(pixels, to_rgb(colour)).all(axis=-1)


def test_with_two_classes_lost_and_added_pixels_have_a_colour_each():
    guess = np.roll(TRUTH, 1, axis=1)
    picture = plots.segmentation([IMAGE], [TRUTH], [guess], classes=("background", "nucleus"))
    *_, errors = drawn(picture)
    assert np.array_equal(is_colour(errors, ORANGE), (TRUTH == 1) & (guess == 0))
    assert np.array_equal(is_colour(errors, BLUE), (TRUTH == 0) & (guess == 1))
    assert "errors 33.3% wrong" in picture.alt


def test_with_more_classes_every_wrong_pixel_is_marked():
    guess = np.where(TRUTH == 1, 2, TRUTH)
    picture = plots.segmentation([IMAGE], [TRUTH], [guess], classes=("a", "b", "c"))
    assert np.array_equal(is_colour(drawn(picture)[-1], VERMILION), guess != TRUTH)
    labels = [text.get_text() for text in picture.figure.legends[0].get_texts()]
    assert labels == ["a", "b", "c", "wrong"]


def test_each_class_has_one_colour_in_truth_and_prediction():
    guess = TRUTH[::-1].copy()
    _, truth, prediction, _ = drawn(plots.segmentation([IMAGE], [TRUTH], [guess], classes=("x", "y", "z")))
    assert np.array_equal(truth[::-1], prediction)
    assert len(np.unique(truth.reshape(-1, 3), axis=0)) == 2


def test_single_objects_are_counted_matched_and_merged_ones_marked():
    objects = np.array([[1, 1, 2, 2, 0, 9]] * 4)
    merged = np.array([[3, 3, 3, 3, 0, 9]] * 4)
    picture = plots.segmentation([IMAGE], [objects], [merged])
    assert "truth 3 objects; prediction 2 objects; errors 2 missed, 1 invented" in picture.alt
    assert np.array_equal(is_colour(drawn(picture)[-1], PURPLE), merged == 3)


def test_truth_alone_needs_no_model_and_sizes_may_differ():
    small = TRUTH[:2, :3]
    picture = plots.segmentation(
        [IMAGE, IMAGE[:2, :3, 0]], [TRUTH, small], classes=("background", "nucleus"), titles=("p", "q")
    )
    assert len(drawn(picture)) == 4
    assert "each with the rows image, truth. Truth: background 66.7%, nucleus 33.3%" in picture.alt


def test_dark_pictures_are_brightened_and_that_is_said():
    dark = np.full((4, 6), 20, np.uint8)
    picture = plots.segmentation([dark, IMAGE], [TRUTH, TRUTH], classes=("background", "nucleus"))
    assert drawn(picture)[0].max() == 1
    assert "1 dark picture shown brighter" in picture.alt
    assert drawn(picture)[1].max() == 200 / 255
    empty = plots.segmentation([dark // 20], [TRUTH], classes=("background", "nucleus"))
    assert drawn(empty)[0].max() == pytest.approx(20 / 255)  # noise is not blown up to white


@pytest.mark.parametrize(
    ("truth", "predicted", "titles", "words"),
    [
        ([], None, None, "0 masks for 1 images"),
        ([TRUTH], [TRUTH, TRUTH], None, "2 predictions for 1 images"),
        ([TRUTH[:2]], None, None, r"Row 0 of the masks is \[2, 6\] but its image is \[4, 6\]"),
        ([TRUTH * 5], None, None, "holds numbers from 0 to 5, but 2 classes are named"),
        ([TRUTH], None, ("a", "b"), "2 titles for 1 images"),
    ],
)
def test_what_does_not_fit_is_refused(truth, predicted, titles, words):
    with pytest.raises(FormatError, match=words):
        plots.segmentation([IMAGE], truth, predicted, classes=("a", "b"), titles=titles)
