"""A segmentation model class by class, and pictures chosen by a rule."""

import functools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from teachkit import metrics
from teachkit.data.splits import Info, Split
from teachkit.errors import SettingsError, UnknownNameError
from teachkit.training import Arm, Comparison, compare
from teachkit.training.pixel_scores import rows_from_worst_to_best, scores_by_class
from teachkit.vision import UNet

MakeSplit = Callable[..., Split]


@pytest.fixture(scope="module")
def masks_and_guesses() -> tuple[np.ndarray, np.ndarray]:
    """Five pictures of three classes, more wrong from one to the next; class 2 in one picture only."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (5, 8, 8))
    truth[3, :2] = 2
    wrong = rng.random(truth.shape) < np.linspace(0.05, 0.6, 5)[:, None, None]
    return truth, np.where(wrong, (truth + 1) % 3, truth)


def test_scores_by_class_equal_scikit_learn(masks_and_guesses: tuple[np.ndarray, np.ndarray]) -> None:
    truth, guess = masks_and_guesses
    table = scores_by_class(truth, guess, ("a", "b", "c"))
    _, recall, dice, support = sk.precision_recall_fscore_support(truth.ravel(), guess.ravel())
    np.testing.assert_allclose(table["share"], support / truth.size)
    np.testing.assert_allclose(table["recall"], recall)
    np.testing.assert_allclose(table["dice"], dice)
    np.testing.assert_allclose(table["iou"], sk.jaccard_score(truth.ravel(), guess.ravel(), average=None))
    each = metrics.dice(truth, guess, 3, per_image=True)
    np.testing.assert_allclose(table["dice_per_image"], np.nanmean(each, axis=0))
    np.testing.assert_allclose(table["boundary_f"], metrics.boundary_f(truth, guess, 3))
    assert table.index.tolist() == ["a", "b", "c"]


def test_a_class_that_occurs_nowhere_has_no_score() -> None:
    nothing = np.zeros((2, 4, 4), int)
    table = scores_by_class(nothing, nothing, ("there", "absent"))
    assert table.loc["there", ["share", "recall", "dice", "iou"]].tolist() == [1, 1, 1, 1]
    assert table.loc["absent", "share"] == 0
    assert table.loc["absent"].drop("share").isna().all()


def test_pictures_come_from_the_worst_to_the_best(masks_and_guesses: tuple[np.ndarray, np.ndarray]) -> None:
    truth, guess = masks_and_guesses
    mean = np.nanmean(metrics.dice(truth, guess, 3, per_image=True), axis=1)
    chosen = rows_from_worst_to_best(truth, guess, 3, 3)
    assert list(chosen) == [np.argmin(mean), np.argsort(mean)[2], np.argmax(mean)]
    assert list(chosen.values()) == sorted(mean)[::2]
    assert len(rows_from_worst_to_best(truth, guess, 99, 3)) == 5


def test_pictures_without_an_outline_are_shown_only_when_there_are_no_others() -> None:
    truth = np.zeros((3, 4, 4), int)
    assert list(rows_from_worst_to_best(truth, truth, 2, 2)) == [0, 2]
    truth[1, :2] = 1
    assert list(rows_from_worst_to_best(truth, truth, 2, 2)) == [1]


@pytest.fixture(scope="module")
def found() -> Comparison:
    """Two seeds of a tiny U-Net on pictures whose mask is their brightness."""
    rng = np.random.default_rng(1)
    info = Info("toy", "Toy", "segmentation", ("background", "cell"), None, "CC0", True, "", "made up")
    splits = []
    for name in ("train", "test"):
        images = np.kron(rng.integers(0, 256, (12, 4, 4)), np.ones((1, 4, 4))).astype(np.uint8)
        splits.append(
            Split(images, np.zeros((12, 0), int), info, name, 16, masks=(images > 128).astype(np.uint8))
        )
    model = functools.partial(UNet, 1, 2, depth=1, base_width=4)
    arm = Arm(model, splits[0], None, splits[1], epochs=2, lr=1e-2, batch_size=4, device="cpu")
    return compare({"u-net": arm}, [0, 1], factor="model")


def test_the_pixel_table_is_the_mean_over_seeds(found: Comparison) -> None:
    test = found.arms["u-net"].test
    assert test is not None
    tables = [
        scores_by_class(np.asarray(test.masks), run.predictions.argmax(axis=1), test.info.classes)
        for run in found.runs["u-net"]
    ]
    pd.testing.assert_frame_equal(found.pixel_table("u-net"), (tables[0] + tables[1]) / 2)


def test_test_pictures_are_shown_with_their_errors(found: Comparison) -> None:
    picture = found.plot_segmentation("u-net", rows=3)
    assert picture.alt.startswith("U-Net, u-net Toy, 16×16, test (n = 12).")
    assert "from the lowest to the highest mean Dice; first seed" in picture.alt
    assert "image, truth, prediction, errors" in picture.alt
    assert "row 5: errors" in found.plot_segmentation("u-net", rows=[5, 0]).alt


def test_arms_that_do_not_exist_and_other_tasks_are_refused(
    found: Comparison, make_split: MakeSplit, small_net: Callable[..., object]
) -> None:
    for ask in (found.pixel_table, found.plot_segmentation):
        with pytest.raises(UnknownNameError, match="No arm 'v-net'"):
            ask("v-net")
    arm = Arm(small_net, make_split(), None, make_split(split="test"), epochs=1, lr=0.1, batch_size=60)  # type: ignore[arg-type]
    classes = compare({"classifier": arm}, [0], factor="model")
    with pytest.raises(SettingsError, match="a binary set"):
        classes.pixel_table("classifier")
