import dataclasses
from functools import partial

import numpy as np
import pytest

from teachkit import training
from teachkit.errors import UnfairComparisonError


@pytest.fixture(scope="module")
def s02(study):
    return study("02_augmentation")


@pytest.fixture
def sets(s02, noise):
    far = np.arange(40) % 4 > 0
    return s02.Sets(noise, noise, noise, far)


@pytest.fixture
def filled(s02, study, tmp_path):
    """A grid with made values for every cell."""
    grid = study("_grid").Grid(tmp_path)
    rng = np.random.default_rng(0)

    def values(steps=340, auc=None):
        def score():
            return {name: rng.uniform(0.7, 0.9) if auc is None else auc for name in s02.SCORES}

        splits = ("val", "test", "without twins", "with eight views")
        return {"steps": steps, "loss": 0.1} | {split: score() for split in splits}

    for lr, auc in zip(s02.RATES, (0.7, 0.9, 0.8), strict=True):
        for arm in s02.ARMS:
            grid.run(f"sweep_{arm}_{lr:g}", {}, partial(values, auc=auc))
    for seed in s02.SEEDS:
        names = [f"main_{arm}" for arm in s02.ARMS]
        names += [f"size_{n}_{arm}" for n in s02.SIZES for arm in ("plain", "augmented")]
        for name in names:
            grid.run(f"{name}_{seed}", {}, values)
        for strength in s02.STRENGTHS:
            grid.run(s02.strength_cell(strength, seed), {}, values)
    for arm in s02.PUBLISHED_TITLES:
        for seed in s02.PUBLISHED_SEEDS:
            grid.run(f"published_{arm}_{seed}", {}, values)
    return grid


def write(s02, grid, monkeypatch):
    written = []
    monkeypatch.setattr(s02, "write_section", lambda key, text: written.append(text))
    s02.write_tables(grid)
    return written[0]


def arms_of(s02, published, noise):
    common = training.Arm(s02.NETWORK, noise, noise, noise, lr=0.001, batch_size=16)
    steps = s02.PUBLISHED["steps"]
    return {
        name: dataclasses.replace(common, augment=arm.augment, steps=steps * arm.longer)
        for name, arm in published.items()
    }


def test_the_three_arms_train_at_the_size_and_for_the_steps_of_the_others(s02, noise):
    arms = arms_of(s02, {name: s02.Published(augment) for name, augment in s02.ARMS.items()}, noise)
    training.arms.check_fair(arms, "augment")
    assert {arm.trained_shape for arm in arms.values()} == {"28×28"}


def test_our_own_comparison_refuses_the_published_arms(s02, noise):
    arms = arms_of(s02, s02.PUBLISHED_ARMS, noise)
    for fault, words in (("augmented_112", "112×112.* tested on 28×28"), ("mixed_small", "'steps' differs")):
        with pytest.raises(UnfairComparisonError, match=words):
            training.arms.check_fair({"plain": arms["plain"], fault: arms[fault]}, "augment")
    both = ("augment", "trained_shape", "steps")
    training.arms.check_fair({"plain": arms["plain"], "mixed": arms["mixed_112"]}, both)


def test_each_published_fault_is_run_apart_from_the_other(s02, noise):
    arms = arms_of(s02, s02.PUBLISHED_ARMS, noise)
    steps = {name: arm.plan(0).total_steps // s02.PUBLISHED["steps"] for name, arm in arms.items()}
    shapes = {name: arm.trained_shape for name, arm in arms.items()}
    assert steps["augmented_112"] == steps["mixed_as_meant"] == steps["plain"] == 1
    assert steps["mixed_small"] == steps["mixed_112"] == steps["plain_longer"] == 2
    assert shapes["mixed_small"] == shapes["mixed_as_meant"] == "28×28"
    assert shapes["mixed_112"] == "28×28 and 112×112"


def test_the_seed_of_the_sweep_is_used_nowhere_else(s02):
    assert s02.SWEEP_SEED not in {*s02.SEEDS, *s02.PUBLISHED_SEEDS}
    assert len(s02.SEEDS) >= 10
    assert len(s02.PUBLISHED_SEEDS) >= 3


def test_the_rate_is_chosen_by_mean_validation_auc(s02, filled):
    assert s02.chosen_rate(s02.sweep_auc(filled)) == s02.RATES[1]


def test_strengths_0_and_1_are_the_arms_of_the_main_part(s02):
    assert s02.strength_cell(0.0, 3) == "main_plain_3"
    assert s02.strength_cell(1.0, 3) == "main_augmented_3"
    assert s02.strength_cell(2.0, 3) == "strength_2_3"


def test_sensitivity_is_that_for_cancer_which_is_class_0(s02):
    labels = np.array([[0], [0], [0], [1]])
    malignant = np.array([0.9, 0.2, 0.8, 0.6])
    found = s02.scores(labels, np.stack([malignant, 1 - malignant], axis=1))
    assert found["sensitivity"] == pytest.approx(2 / 3)


def test_one_run_scores_all_test_images_and_those_without_twins(s02, sets):
    found = s02.train_one(sets, s02.AUGMENT, 0, s02.MAIN | {"lr": 1e-3, "steps": 2}, images=20)
    assert found["steps"] == 2
    assert found["val"] == found["test"]
    assert set(found["without twins"]) == set(found["with eight views"]) >= set(s02.SCORES)


def test_tables_hold_every_arm_strength_and_size(s02, filled, monkeypatch):
    text = write(s02, filled, monkeypatch)
    assert "Not computed yet" not in text
    assert "340 steps of 32 images" in text
    rows = [*s02.TITLES.values(), *s02.PUBLISHED_TITLES.values(), "0.5", "64 images, plain"]
    for title in rows:
        assert f"| {title} |" in text
    assert "| augmented − plain | 10 |" in text
    assert "| 546 images, augmented − 546 images, plain | 10 |" in text


def test_tables_of_half_the_cells_count_whole_pairs_and_say_what_is_missing(s02, filled, monkeypatch):
    for seed in s02.SEEDS[6:]:
        (filled.folder / f"strength_2_{seed}.json").unlink()
    for seed in s02.PUBLISHED_SEEDS:
        (filled.folder / f"published_mixed_224_{seed}.json").unlink()
        (filled.folder / f"main_mixed_{seed}.json").unlink()
    text = write(s02, filled, monkeypatch)
    assert "| 2 − 0 | 6 |" in text
    assert "mixed as published" not in text.split("### The published comparison")[1].split("###")[0]
    assert "Not computed yet." in text


def test_unequal_steps_stop_the_tables(s02, filled):
    path = filled.folder / "main_plain_0.json"
    path.write_text(path.read_text().replace('"steps": 340', '"steps": 341'))
    with pytest.raises(UnfairComparisonError, match=r"\[340, 341\]"):
        s02.write_tables(filled)


@pytest.mark.real_data
def test_97_test_images_have_no_twin_among_the_training_images(s02, real_data, monkeypatch):
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    sets = s02.load()
    assert [len(sets.train), len(sets.val), len(sets.test)] == [546, 78, 156]
    assert int(sets.far.sum()) == 97
    assert np.bincount(sets.test.labels[:, 0]).tolist() == [42, 114]
