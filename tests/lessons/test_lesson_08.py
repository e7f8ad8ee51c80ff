"""Lesson 08: what its cells calculate is what torch does, and what its text says is so."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from teachkit import big, data
from teachkit.course import declaration
from teachkit.data import registry

ARMS = ("individual", "shared", "recalibrated", "domain", "group", "mixed")
PAIRS = (
    ("recalibrated", "shared"),
    ("mixed", "shared"),
    ("group", "shared"),
    ("recalibrated", "individual"),
    ("mixed", "individual"),
)
A, B = np.array([1.0, 3.0, 1.0, 3.0]), np.array([9.0, 15.0, 9.0, 15.0])


@pytest.fixture(scope="module")
def lesson(functions):
    """The functions that the lesson's cells define, by name."""
    return functions("normalise", "in_colour", np=np)


def trained_layer(*batches):
    """torch's BatchNorm after these batches, each a vector."""
    layer = nn.BatchNorm1d(1, eps=1e-12, momentum=None, dtype=torch.float64)
    outputs = [layer(torch.from_numpy(batch)[:, None])[:, 0].detach().numpy() for batch in batches]
    return layer.eval(), outputs


def asked(layer, batch):
    with torch.no_grad():
        return layer(torch.from_numpy(batch)[:, None])[:, 0].numpy()


def test_train_mode_by_hand_is_torchs_and_makes_both_domains_alike(lesson):
    _, (first, second) = trained_layer(A, B)
    for batch, found in ((A, first), (B, second)):
        assert np.allclose(lesson["normalise"](batch, batch.mean(), batch.var()), found)
        assert np.allclose(found, [-1, 1, -1, 1])


def test_use_mode_by_hand_is_torchs_and_leaves_nothing_of_the_dark_domain(lesson, text):
    layer, _ = trained_layer(A, B, A, B)
    variance = (A.var(ddof=1) + B.var(ddof=1)) / 2
    found = asked(layer, A)
    assert np.allclose(found, lesson["normalise"](A, 7.0, variance))
    assert np.all(found < 0)
    assert "makes them **zero**" in text
    assert f"{variance:.2f}" == "6.67"
    assert "30, not 6.67" in text


def test_in_a_mixed_batch_train_and_use_mode_nearly_agree():
    both = np.concatenate([A, B])
    layer, (trained,) = trained_layer(both)
    assert both.var() == 30
    assert np.abs(trained - asked(layer, both)).max() < 0.1
    layer, (trained, _) = trained_layer(A, B)
    assert np.abs(trained - asked(layer, A)).max() > 1


def test_grey_images_in_colour_stay_grey(lesson):
    grey = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    colour = lesson["in_colour"](grey)
    assert colour.shape == (2, 2, 2, 3)
    assert all(np.array_equal(colour[..., channel], grey) for channel in range(3))
    assert lesson["in_colour"](colour) is colour


def test_answers_of_the_exercises_are_right():
    def variance_of_both(m1, v1, m2, v2):
        return (v1 + v2) / 2 + ((m1 - m2) / 2) ** 2

    assert [variance_of_both(*case) for case in ((2, 1, 12, 9), (0, 1, 0, 1), (0, 0, 2, 0))] == [30, 1, 1]
    assert variance_of_both(A.mean(), A.var(), B.mean(), B.var()) == np.concatenate([A, B]).var()

    def batches_until(share, momentum):
        return math.ceil(math.log(share) / math.log(1 - momentum))

    assert [batches_until(*case) for case in ((0.01, 0.1), (0.5, 0.1), (0.01, 0.01))] == [44, 7, 459]


def test_after_44_batches_torch_has_nearly_forgotten_the_earlier_domain():
    layer = nn.BatchNorm1d(1, dtype=torch.float64)
    layer.running_mean.fill_(0.0)
    for _ in range(44):
        layer(torch.from_numpy(B)[:, None])
    left = 1 - float(layer.running_mean) / B.mean()
    assert left == pytest.approx(0.9**44)
    assert left < 0.01 < 0.9**43


def test_the_best_of_fifty_equal_models_rises_by_seven_points(text):
    accuracies = np.random.default_rng(1).binomial(156, 0.8, size=(20_000, 50)) / 156
    assert accuracies.max(axis=1).mean() == pytest.approx(0.87, abs=0.003)
    assert "Seven points for nothing" in text


@pytest.mark.real_data
def test_breastmnist_has_156_test_images(real_data, isolated, monkeypatch, text):
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    assert len(data.load("breastmnist", "test")) == 156
    assert "156 images, as in BreastMNIST" in text


def test_twelve_sets_of_the_benchmark_and_one_of_them_excludes_commercial_use(text):
    suite = big.find_suite("big")
    assert len(suite) == 12
    assert "dermamnist" in suite
    assert not registry.entry("dermamnist").commercial
    assert "DermaMNIST, one of the twelve, excludes commercial use" in text


def test_every_set_of_the_lesson_can_be_learned_from_without_a_network(offline, root):
    lesson = declaration.read_course(root).lesson("08")
    here = data.available(lesson.data)[: lesson.sets]
    assert len(here) == 5
    tasks = {data.load(name).info.task for name in here}
    assert tasks == {"binary", "multi-class", "multi-label", "ordinal"}
    assert {data.load(name).channels for name in here} == {1, 3}


def test_intervals_quoted_in_the_lesson_and_in_the_corrections_stand_in_the_results(root, text, quoted):
    corrections = (root / "docs" / "corrections.md").read_text().partition("## 08 mm-PT")[2]
    whole = text.partition("### The whole experiment")[2].partition("\n## ")[0]
    for said in (whole, corrections):
        intervals, unknown = quoted(said)
        assert len(intervals) >= 8
        assert not unknown


def test_what_the_text_says_of_each_seed_of_the_study_is_so(root, text):
    folder = root / "studies" / "results" / "08"
    runs = [json.loads(path.read_text())["values"] for path in sorted(folder.glob("shared_?.json"))]

    def mean(values, statistics, score, part="test"):
        return np.mean([scores[score] for scores in values[part][statistics].values()])

    def between(statistics):
        scores = [mean(values, statistics, "auc") for values in runs]
        return f"between {min(scores):.2f} and {max(scores):.2f}"

    assert len(runs) == 5
    assert f"the AUC of the five seeds lies {between('everyone')}. Read properly, it lies" in text
    assert f"Read properly, it lies {between('domain')}." in text
    for values in runs:
        assert f"{np.mean(list(values['train_mode'].values())):.1f}" == "0.6"
        assert f"{mean(values, 'everyone', 'loss', 'train'):.1f}" in ("1.2", "1.3")


def test_no_placeholder_is_left(text):
    assert "TODO" not in text


def after_a_run(test):
    """Mark a test that reads what the executed lesson recorded."""
    return pytest.mark.slow(pytest.mark.xdist_group("lessons")(test))


@after_a_run
def test_recorded_differences_follow_from_the_seeds(found, recorded):
    scores = {arm: np.array(found[f"{arm}_by_seed"]) for arm in ARMS}
    for a, b in PAIRS:
        assert recorded[f"diff_{a}_{b}"]["value"] == pytest.approx((scores[a] - scores[b]).mean())


@after_a_run
def test_the_switch_is_what_the_comparison_calls_shared_and_recalibrated(found):
    assert found["shared_by_seed"][0] == pytest.approx(found["auc_everyone"], abs=1e-6)
    assert found["recalibrated_by_seed"][0] == pytest.approx(found["auc_domain"], abs=1e-6)
    assert found["auc_shared"] == pytest.approx(found["auc_everyone"], abs=1e-6)


@after_a_run
def test_the_same_weights_do_better_with_the_statistics_of_each_domain(found):
    assert found["auc_domain"] > found["auc_everyone"] + 0.02
    assert found["loss_train_mode"] < found["loss_use_mode"] - 0.05


@after_a_run
def test_without_stored_statistics_validation_loss_stays_with_training_loss(found):
    assert abs(found["gap_group"]) < found["gap_batch"]


@after_a_run
def test_an_idle_head_moves_only_under_a_gradient_of_zero(found):
    assert found["idle_change_left"] == 0
    assert found["idle_change_zeroed"] > 0


@after_a_run
def test_the_score_of_the_file_is_that_of_the_comparison(found, folder):
    chosen = found["chosen_arm"]
    assert found["course_auc"] == pytest.approx(found[f"{chosen}_by_seed"][0], abs=1e-6)
    rows = pd.read_csv(folder / f"{chosen}.csv")
    assert list(rows["dataset"].unique()) == found["domain_names"].split(", ")
    again = big.score(folder / f"{chosen}.csv", suite="course")
    assert again.mean["balacc"] == pytest.approx(found["course_balacc"])


@after_a_run
def test_card_warns_of_the_stored_average_and_is_not_for_clinics(folder):
    card = (folder / "model_card.md").read_text()
    assert "stored average of all domains" in card
    assert "not for clinical use" in card
