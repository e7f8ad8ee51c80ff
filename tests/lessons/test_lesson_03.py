"""Lesson 03: what its cells define is what the package computes, and what its text says is so."""

import re

import numpy as np
import pytest
from scipy import ndimage
from skimage import feature, filters, measure, segmentation

from teachkit import data, metrics, plots
from teachkit.metrics import connected_objects, object_scores

DEFINED = (
    "counts",
    "dice_of",
    "iou_of",
    "down_and_up",
    "split_at_waists",
    "threshold_mask",
    "pieces",
    "matched",
)


@pytest.fixture(scope="module")
def lesson(functions):
    """The functions that the lesson's cells define, by name."""
    scikit_image = {
        "feature": feature,
        "filters": filters,
        "measure": measure,
        "segmentation": segmentation,
    }
    return functions(*DEFINED, np=np, ndimage=ndimage, **scikit_image)


@pytest.fixture(scope="module")
def masks():
    """Truth and prediction of three classes, some of them absent."""
    rng = np.random.default_rng(0)
    return [(rng.integers(0, n, (6, 7)), rng.integers(0, n, (6, 7))) for n in (1, 2, 3, 3)]


@pytest.mark.parametrize("score", ["dice", "iou"])
def test_scores_written_out_in_the_lesson_are_those_of_the_package(lesson, masks, score):
    for truth, guess in masks:
        found = [lesson[f"{score}_of"](truth, guess, k) for k in range(3)]
        assert np.allclose(found, getattr(metrics, score)(truth, guess, 3), equal_nan=True)


def test_pieces_and_matches_of_the_lesson_are_those_of_the_package(lesson):
    rng = np.random.default_rng(1)
    blurred = [ndimage.gaussian_filter(rng.random((40, 50)), 2) for _ in range(2)]
    truth, found = (lesson["pieces"](image > np.quantile(image, 0.6)) for image in blurred)
    for mask, image in ((truth, blurred[0]), (found, blurred[1])):
        own = connected_objects(image > np.quantile(image, 0.6), smallest=10)
        assert np.array_equal(mask > 0, own > 0)
        assert len(np.unique(mask)) == len(np.unique(own)) > 3
    shifted = np.roll(truth, 1, axis=1)
    assert lesson["matched"](truth, truth) == len(np.unique(truth)) - 1
    assert lesson["matched"](truth, shifted) == object_scores(truth, shifted).matched
    assert lesson["matched"](truth, found) == object_scores(truth, found).matched


def test_two_touching_discs_are_one_piece_and_two_objects_at_the_waist(lesson):
    rows, columns = np.ogrid[:40, :60]
    discs = ((rows - 20) ** 2 + (columns - 20) ** 2 <= 100) | ((rows - 20) ** 2 + (columns - 38) ** 2 <= 100)
    assert lesson["pieces"](discs).max() == 1
    cut = lesson["split_at_waists"](discs)
    assert np.array_equal(cut > 0, discs)
    assert sorted(np.unique(cut)) == [0, 1, 2]


def test_a_coarser_grid_can_never_draw_a_better_mask(lesson):
    rows, columns = np.ogrid[:64, :64]
    disc = (rows - 30) ** 2 + (columns - 33) ** 2 <= 150
    best = [lesson["dice_of"](*lesson["down_and_up"](disc, factor), 1) for factor in (1, 2, 4, 8, 16)]
    assert best[0] == 1
    assert best == sorted(best, reverse=True)


@pytest.mark.parametrize("bright", [True, False])
def test_the_threshold_calls_the_smaller_side_objects_whether_bright_or_dark(lesson, bright):
    picture = np.full((30, 30, 3), 40 if bright else 200, np.uint8)
    picture[5:12, 5:12] = 200 if bright else 40
    assert lesson["threshold_mask"](picture).sum() == 49


def test_numbers_in_the_hints_are_right(text):
    assert f"mean Dice {(2 * 0.9 / 1.9) / 3:.3f}" in text
    assert "a network that never says hair can reach 97 %" in text


def test_intervals_quoted_in_the_lesson_and_in_the_corrections_stand_in_the_results(root, cells):
    (quoted,) = (text for cell in cells if "### Deeper, always sharper?" in (text := "".join(cell["source"])))
    corrections = (root / "docs" / "corrections.md").read_text()
    corrections = corrections.partition("## 03 Segmentation")[2].partition("\n## ")[0]
    results = (root / "docs" / "results.md").read_text()
    for text, least in ((quoted, 8), (corrections, 6)):
        intervals = re.findall(r"[+-]0\.\d{3} \[[+-]0\.\d{3}, [+-]0\.\d{3}\]", text)
        assert len(intervals) >= least
        assert not [interval for interval in intervals if interval not in results]


@pytest.mark.real_data
def test_half_of_the_real_nuclei_can_go_while_dice_stays_above_095(isolated, real_data, monkeypatch):
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    cheat = plots.cheat_the_metric(data.load("nuclei").masks[20], edits=[{"drop": 0.5}]).at(drop=0.5)
    assert (cheat.truth_objects, cheat.missed) == (32, 16)
    assert cheat.dice == pytest.approx(0.952, abs=0.0005)


@pytest.mark.real_data
def test_a_perfect_mask_of_the_real_nuclei_loses_objects(isolated, real_data, monkeypatch, lesson):
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    masks = data.load("nuclei", "test").masks
    true = sum(len(np.unique(mask)) - 1 for mask in masks)
    pieces = sum(len(np.unique(lesson["pieces"](mask > 0, smallest=1))) - 1 for mask in masks)
    assert (true, pieces) == (620, 536)


@pytest.mark.slow
@pytest.mark.xdist_group("lessons")
def test_recorded_means_and_differences_follow_from_the_seeds(recorded):
    from scipy import stats

    for metric in ("acc", "dice"):
        plain = recorded[f"{metric}_plain_by_seed"]["value"]
        for other in ("weighted", "dice"):
            gaps = np.subtract(recorded[f"{metric}_{other}_by_seed"]["value"], plain)
            low, high = stats.t.interval(0.95, len(gaps) - 1, gaps.mean(), stats.sem(gaps))
            entry = recorded[f"diff_{other}_plain_{metric}"]
            assert entry["value"] == pytest.approx(gaps.mean())
            assert entry["interval"] == pytest.approx([low, high])


@pytest.mark.slow
@pytest.mark.xdist_group("lessons")
def test_pixel_counts_of_the_rare_class_give_its_dice(recorded):
    hits, alarms, misses = (
        recorded[f"rare_{kind}"]["value"] for kind in ("true_positives", "false_positives", "false_negatives")
    )
    dice = 2 * hits / (2 * hits + alarms + misses)
    assert dice == pytest.approx(recorded["rare_dice_weighted_by_seed"]["value"][0])


@pytest.mark.slow
@pytest.mark.xdist_group("lessons")
def test_what_must_hold_in_any_run_holds(recorded):
    assert recorded["published_parameters"]["value"] == 7_783_108
    assert recorded["new_mask_values"]["value"] == 0
    assert recorded["test_passes_differ"]["value"] == 0
    assert recorded["steps_differ"]["value"] == 0
    assert recorded["tiles_agree"]["value"] is True
    assert recorded["objects_perfect_mask"]["value"] <= recorded["true_objects"]["value"]
