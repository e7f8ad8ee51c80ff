"""Cheat the metric: the true mask scores one, and each edit is noticed by the scores that should."""

import numpy as np
import pytest

from teachkit import metrics, plots
from teachkit.errors import FormatError, SettingsError


@pytest.fixture
def nuclei():
    """Four large disks, two of which touch, and four small ones."""
    mask, (rows, columns) = np.zeros((80, 120), int), np.indices((80, 120))
    centres = [
        (20, 20, 12),
        (20, 44, 12),
        (20, 80, 12),
        (56, 20, 12),
        (60, 50, 2),
        (60, 60, 2),
        (60, 70, 2),
        (60, 80, 2),
    ]
    for number, (row, column, radius) in enumerate(centres, 1):
        mask[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = number
    return mask


def test_the_true_mask_scores_one(nuclei):
    found = plots.cheat_the_metric(nuclei).at()
    assert (found.pixel_accuracy, found.dice, found.iou, found.boundary_f, found.object_f1) == (1, 1, 1, 1, 1)
    assert (found.objects, found.truth_objects, found.missed) == (8, 8, 0)
    assert found.name == "the true mask"


def test_half_of_the_objects_can_go_while_dice_stays_high(nuclei):
    found = plots.cheat_the_metric(nuclei).at(drop=0.5)
    assert found.dice > 0.95
    assert (found.objects, found.missed, found.object_f1) == (4, 4, pytest.approx(2 / 3))


def test_a_merge_is_seen_by_counting_alone(nuclei):
    found = plots.cheat_the_metric(nuclei).at(merge=1)
    assert min(found.pixel_accuracy, found.dice, found.iou, found.boundary_f) > 0.99
    assert (found.objects, found.missed) == (7, 2)  # the joined one is neither of the two


def test_a_shift_costs_overlap_but_no_object(nuclei):
    found = plots.cheat_the_metric(np.where(nuclei < 5, nuclei, 0)).at(shift=2)
    assert found.dice < 0.95
    assert found.boundary_f == 1
    assert (found.objects, found.missed) == (4, 0)


def test_growing_and_shrinking_change_the_area_and_no_count(nuclei):
    cheat = plots.cheat_the_metric(nuclei)
    wide, narrow = cheat.at(grow=1), cheat.at(grow=-1)
    assert (narrow.mask > 0).sum() < (nuclei > 0).sum() < (wide.mask > 0).sum()
    assert wide.objects == narrow.objects == 8


def test_scores_are_those_of_the_metrics(nuclei):
    found = plots.cheat_the_metric(nuclei).at(grow=2, shift=3, merge=1, drop=0.25)
    truth, edited = (nuclei > 0).astype(int), (found.mask > 0).astype(int)
    assert found.dice == metrics.dice(truth, edited, 2)[1]
    assert found.iou == metrics.iou(truth, edited, 2)[1]
    assert found.boundary_f == metrics.boundary_f(truth, edited, 2)[1]
    assert found.missed == metrics.object_scores(nuclei, found.mask).missed
    assert f"Dice {found.dice:.3f}" in found.sentence
    assert "5 objects instead of 8" in found.sentence


def test_only_merges_that_happened_are_reported(nuclei):
    found = plots.cheat_the_metric(nuclei).at(merge=99, drop=0.5)
    assert found.merge == 3
    assert found.objects == 1


def test_words_and_table_hold_every_edit_of_the_picture(nuclei):
    cheat = plots.cheat_the_metric(nuclei, edits=({"shift": 1}, {"drop": 0.5}), title="Made, n = 1")
    assert cheat.table["edit"].tolist() == ["shifted by 1 px", "smallest 50% deleted"]
    assert cheat.alt == f"Made, n = 1. {cheat.at(shift=1).sentence} {cheat.at(drop=0.5).sentence}"


def test_sliders_redraw_the_same_picture_and_sentence(nuclei):
    cheat = plots.cheat_the_metric(nuclei)
    grow, _, merge, drop, view = cheat.widget().children
    grow.value, merge.value, drop.value = -1, 1, 0.25
    assert cheat.at(grow=-1, merge=1, drop=0.25).sentence in view.value
    assert view.value.count("<img") == 1


def test_the_sliders_come_first_where_somebody_can_move_them(nuclei, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    cheat = plots.cheat_the_metric(nuclei)
    cheat._ipython_display_()
    assert shown == [cheat.picture]
    monkeypatch.setattr("teachkit.plots.explorers.is_headless", lambda: False)
    cheat._ipython_display_()
    assert [type(item).__name__ for item in shown[1:]] == ["VBox", "Picture"]


def test_a_mask_without_objects_is_refused():
    with pytest.raises(FormatError, match=r"shape \[4, 4\] without objects"):
        plots.cheat_the_metric(np.zeros((4, 4), int))
    with pytest.raises(FormatError, match=r"shape \[2, 4, 4\] is no use"):
        plots.cheat_the_metric(np.ones((2, 4, 4), int))


@pytest.mark.parametrize("edit", [{"drop": 1.5}, {"merge": -1}])
def test_edits_that_make_no_sense_are_refused(nuclei, edit):
    with pytest.raises(SettingsError, match="are not possible"):
        plots.cheat_the_metric(nuclei).at(**edit)
