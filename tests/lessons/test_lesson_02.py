"""Lesson 02 as it was executed: what it recorded hangs together, and the unfair arms were refused."""

import json

import pytest
from scipy import stats

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lessons")]


def test_every_arm_is_reported_on_all_test_images_and_on_those_without_twins(found):
    assert found["images_without"] <= found["images_all"]
    assert 0 < found["cases_without"] < found["images_without"]
    for arm in ("plain", "augmented", "mixed"):
        for group in ("", "_without"):
            seeds = found[f"auc_{arm}{group}_by_seed"]
            assert found[f"auc_{arm}{group}"] == pytest.approx(sum(seeds) / len(seeds))


def test_recorded_differences_follow_from_the_seeds(found, recorded):
    for arm in ("augmented", "mixed"):
        for group, end in (("all", ""), ("without", "_without")):
            first, second = (found[f"auc_{name}{end}_by_seed"] for name in (arm, "plain"))
            gaps = [a - b for a, b in zip(first, second, strict=True)]
            entry = recorded[f"diff_{arm}_plain_auc_{group}"]
            mean = sum(gaps) / len(gaps)
            assert entry["value"] == pytest.approx(mean)
            low, high = stats.t.interval(0.95, len(gaps) - 1, mean, stats.sem(gaps))
            assert entry["interval"] == pytest.approx([low, high])


def test_curve_over_the_vote_begins_with_the_arms_of_the_comparison(found):
    assert found["auc_strength_0_by_seed"] == found["auc_plain_without_by_seed"]
    assert found["auc_strength_1_by_seed"] == found["auc_augmented_without_by_seed"]


def test_arms_of_another_size_were_refused_before_they_were_named(spoken, found):
    assert "Arm 'enlarged' learns from 56×56, but is tested on 28×28" in spoken
    assert {"diff_enlarged_plain_auc", "diff_samesize_enlarged_auc"} <= set(found)


def test_colour_does_nothing_to_grey_and_all_arms_take_equal_steps(found):
    assert found["grey_colour_change"] == 0
    assert found["steps_differ"] == 0


def test_labels_without_meaning_are_found_only_where_versions_cross_the_split(found):
    assert found["nonsense_auc_augment_first"] > 0.75
    assert abs(found["nonsense_auc_split_first"] - 0.5) < 0.2


def test_intervals_that_count_pictures_miss_the_truth(found):
    assert found["cover_pictures"] < 0.4 < 0.9 < found["cover_patients"]


def test_card_names_the_group_without_twins_and_what_fails(folder):
    card = (folder / "model_card.md").read_text()
    assert "without twins" in card
    assert "not for clinical use" in card
    assert "do not quote that one" in card


def test_the_slider_and_the_moving_picture_have_words(folder):
    cells = json.loads((folder / "executed.ipynb").read_text())["cells"]
    shown = [output for cell in cells for output in cell.get("outputs", []) if "data" in output]
    texts = [output.get("metadata", {}).get("image/png", {}).get("alt", "") for output in shown]
    assert any("strength" in text.lower() and "Votes: 2" in text for text in texts)
    assert (folder / "strength.gif").read_bytes()[:3] == b"GIF"
