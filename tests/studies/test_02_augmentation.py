import dataclasses
import sys
from functools import partial

import numpy as np
import pytest

from teachkit import training
from teachkit.errors import UnfairComparisonError


@pytest.fixture(scope="module")
def s02(study):
    return study("02_augmentation")


@pytest.fixture(scope="module")
def plan(s02):
    """The study's settings; the script imports them by this name."""
    return sys.modules["_augmentation"]


@pytest.fixture(scope="module")
def tables(s02):
    return sys.modules["_augmentation_tables"]


@pytest.fixture
def sets(s02, noise):
    far = np.arange(40) % 4 > 0
    return s02.Sets(noise, noise, noise, far)


@pytest.fixture
def filled(plan, study, tmp_path):
    """A grid with made values for every cell."""
    grid = study("_grid").Grid(tmp_path)
    rng = np.random.default_rng(0)

    def values(steps=340, auc=None):
        def score():
            return {name: rng.uniform(0.7, 0.9) if auc is None else auc for name in plan.SCORES}

        splits = ("val", "test", "without twins", "with eight views")
        return {"steps": steps, "loss": 0.1} | {split: score() for split in splits}

    for lr, auc in zip(plan.RATES, (0.7, 0.9, 0.8), strict=True):
        for arm in plan.ARMS:
            grid.run(f"sweep_{arm}_{lr:g}", {}, partial(values, auc=auc))
    for seed in plan.SEEDS:
        names = [f"main_{arm}" for arm in plan.ARMS]
        names += [f"size_{n}_{arm}" for n in plan.SIZES for arm in ("plain", "augmented")]
        for name in names:
            grid.run(f"{name}_{seed}", {}, values)
        for strength in plan.STRENGTHS:
            grid.run(plan.strength_cell(strength, seed), {}, values)
    for arm in plan.PUBLISHED_TITLES:
        for seed in plan.PUBLISHED_SEEDS:
            grid.run(f"published_{arm}_{seed}", {}, values)
    return grid


def write(tables, grid, monkeypatch):
    written = []
    monkeypatch.setattr(tables, "write_section", lambda key, text: written.append(text))
    tables.write_tables(grid)
    return written[0]


def arms_of(plan, published, noise):
    common = training.Arm(plan.NETWORK, noise, noise, noise, lr=0.001, batch_size=16)
    steps = plan.PUBLISHED["steps"]
    return {
        name: dataclasses.replace(common, augment=arm.augment, steps=steps * arm.longer)
        for name, arm in published.items()
    }


def test_the_three_arms_train_at_the_size_and_for_the_steps_of_the_others(plan, noise):
    arms = arms_of(plan, {name: plan.Published(augment) for name, augment in plan.ARMS.items()}, noise)
    training.arms.check_fair(arms, "augment")
    assert {arm.trained_shape for arm in arms.values()} == {"28×28"}


def test_our_own_comparison_refuses_the_published_arms(plan, noise):
    arms = arms_of(plan, plan.PUBLISHED_ARMS, noise)
    for fault, words in (("augmented_112", "112×112.* tested on 28×28"), ("mixed_small", "'steps' differs")):
        with pytest.raises(UnfairComparisonError, match=words):
            training.arms.check_fair({"plain": arms["plain"], fault: arms[fault]}, "augment")
    both = ("augment", "trained_shape", "steps")
    training.arms.check_fair({"plain": arms["plain"], "mixed": arms["mixed_112"]}, both)


def test_each_published_fault_is_run_apart_from_the_other(plan, noise):
    arms = arms_of(plan, plan.PUBLISHED_ARMS, noise)
    steps = {name: arm.plan(0).total_steps // plan.PUBLISHED["steps"] for name, arm in arms.items()}
    shapes = {name: arm.trained_shape for name, arm in arms.items()}
    assert steps["augmented_112"] == steps["mixed_as_meant"] == steps["plain"] == 1
    assert steps["mixed_small"] == steps["mixed_112"] == steps["plain_longer"] == 2
    assert shapes["mixed_small"] == shapes["mixed_as_meant"] == "28×28"
    assert shapes["mixed_112"] == "28×28 and 112×112"


def test_the_seed_of_the_sweep_is_used_nowhere_else(plan):
    assert plan.SWEEP_SEED not in {*plan.SEEDS, *plan.PUBLISHED_SEEDS}
    assert len(plan.SEEDS) >= 10
    assert len(plan.PUBLISHED_SEEDS) >= 3


def test_the_rate_is_chosen_by_mean_validation_auc(s02, plan, filled):
    assert s02.chosen_rate(plan.sweep_auc(filled)) == plan.RATES[1]


def test_strengths_0_and_1_are_the_arms_of_the_main_part(plan):
    assert plan.strength_cell(0.0, 3) == "main_plain_3"
    assert plan.strength_cell(1.0, 3) == "main_augmented_3"
    assert plan.strength_cell(2.0, 3) == "strength_2_3"


def test_sensitivity_is_that_for_cancer_which_is_class_0(s02):
    labels = np.array([[0], [0], [0], [1]])
    malignant = np.array([0.9, 0.2, 0.8, 0.6])
    found = s02.scores(labels, np.stack([malignant, 1 - malignant], axis=1))
    assert found["sensitivity"] == pytest.approx(2 / 3)


def test_one_run_scores_all_test_images_and_those_without_twins(plan, s02, sets):
    found = s02.train_one(sets, plan.AUGMENT, 0, plan.MAIN | {"lr": 1e-3, "steps": 2}, images=20)
    assert found["steps"] == 2
    assert found["val"] == found["test"]
    assert set(found["without twins"]) == set(found["with eight views"]) >= set(plan.SCORES)


def test_tables_hold_every_arm_strength_and_size(plan, tables, filled, monkeypatch):
    text = write(tables, filled, monkeypatch)
    assert "Not computed yet" not in text
    assert "done so far" not in text
    assert "340 steps of 32 images" in text
    rows = [*plan.TITLES.values(), *plan.PUBLISHED_TITLES.values(), "0.5", "64 images, plain"]
    for title in rows:
        assert f"| {title} |" in text
    assert "| augmented − plain | 10 |" in text
    assert "| 546 images, augmented − 546 images, plain | 10 |" in text


def test_tables_of_half_the_cells_count_whole_pairs_and_say_what_is_missing(
    plan, tables, filled, monkeypatch
):
    for seed in plan.SEEDS[6:]:
        (filled.folder / f"strength_2_{seed}.json").unlink()
    for seed in plan.PUBLISHED_SEEDS:
        (filled.folder / f"published_mixed_224_{seed}.json").unlink()
        (filled.folder / f"main_mixed_{seed}.json").unlink()
    text = write(tables, filled, monkeypatch)
    assert "| 2 − 0 | 6 |" in text
    assert f"{len(plan.all_cells()) - 10} of {len(plan.all_cells())} runs are done so far" in text
    assert "mixed as published" not in text.split("### The published comparison")[1].split("###")[0]
    assert "Not computed yet." in text


def test_unequal_steps_stop_the_tables(tables, filled):
    path = filled.folder / "main_plain_0.json"
    path.write_text(path.read_text().replace('"steps": 340', '"steps": 341'))
    with pytest.raises(UnfairComparisonError, match=r"\[340, 341\]"):
        tables.write_tables(filled)


@pytest.mark.real_data
def test_97_test_images_have_no_twin_among_the_training_images(s02, real_data, monkeypatch):
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    sets = s02.load()
    assert [len(sets.train), len(sets.val), len(sets.test)] == [546, 78, 156]
    assert int(sets.far.sum()) == 97
    assert np.bincount(sets.test.labels[:, 0]).tolist() == [42, 114]
