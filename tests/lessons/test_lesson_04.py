"""Lesson 04 as it was executed: formulae, splits, the published box and the bands hang together."""

import pytest
from scipy import stats

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lessons")]


def test_fewer_columns_on_size_mean_larger_errors_up_to_that_of_the_mean(found):
    errors = [found[name] for name in ("linear_mae", "no_perimeter_mae", "no_size_mae", "mean_mae")]
    assert errors == sorted(errors)
    assert found["linear_mae"] == pytest.approx(0.0445, abs=0.01)
    assert found["no_size_mae"] == pytest.approx(0.875, abs=0.1)


def test_noise_looks_useful_only_when_the_test_rows_helped_to_choose(found):
    assert found["r2_noise_before"] > 0.05
    assert found["r2_noise_inside"] < 0


def test_the_published_box_holds_one_test_error_and_a_spread_that_is_none(found):
    assert found["published_box_size"] == 101
    assert found["mae_published_fresh"] > found["mean_mae"]  # as published, a fresh network learns nothing
    assert found["mae_published_last"] < found["mae_published_first"]  # and a carried one remembers


def test_the_corrected_standard_error_is_wider(found):
    assert found["standard_error_ratio"] > 1.5


def test_counts_inside_the_band_add_up(found):
    counted = found["count_small"] + found["count_large"]
    inside = found["inside_small"] + found["inside_large"]
    assert counted == found["test_objects"]
    assert inside == counted - found["outside_band"]
    assert found["coverage"] == pytest.approx(inside / counted)
    assert found["coverage_worst_picture"] <= found["coverage"]


def test_recorded_means_and_differences_follow_from_the_seeds(found, recorded):
    for metric in ("mae", "rmse", "r2"):
        arms = [found[f"{metric}_{arm}_by_seed"] for arm in ("squared", "absolute")]
        gaps = [a - b for a, b in zip(*arms, strict=True)]
        mean = sum(gaps) / len(gaps)
        entry = recorded[f"diff_squared_absolute_{metric}"]
        assert entry["value"] == pytest.approx(mean)
        low, high = stats.t.interval(0.95, len(gaps) - 1, mean, stats.sem(gaps))
        assert entry["interval"] == pytest.approx([low, high])


def test_guesses_stand_beside_results(spoken):
    assert "Your guess: 0.05 µm" in spoken
    assert spoken.count("you guessed") >= 7


def test_report_draws_the_formulae_that_cells_show(course_build):
    page = (course_build / "report" / "04_regression.html").read_text()
    assert "Formula(name=" not in page
    assert page.count("<msqrt>") >= 2


def test_card_names_the_band_and_whom_it_fails(folder):
    card = (folder / "model_card.md").read_text()
    assert "90 % band" in card
    assert "in the worst picture" in card
    assert "not for clinical use" in card
