import dataclasses

import numpy as np
import pytest
import torch

from teachkit.errors import UnfairComparisonError
from teachkit.vision import Classifier


@pytest.fixture(scope="module")
def s01(study):
    return study("01_classification")


@pytest.fixture
def filled(s01, study, tmp_path):
    """A grid with made values for every cell, and the page it writes to."""
    grid = study("_grid").Grid(tmp_path)
    rng = np.random.default_rng(0)

    def values(steps=10):
        names = ("auc", "acc", "balacc", "kappa", "sensitivity", "specificity", "calibration_error")
        return {
            "steps": steps,
            "moved_besides_head": 0,
            "val": dict.fromkeys(names, 0.9),
            "test": {name: rng.uniform(0.7, 0.9) for name in names},
        }

    for lr, auc in zip(s01.RATES, (0.7, 0.9, 0.8), strict=True):
        for arm in s01.ARMS:
            grid.run(f"sweep_{arm}_{lr:g}", {}, lambda auc=auc: values() | {"val": {"auc": auc}})
    for prefix, arms in (("main", s01.ARMS), ("published", s01.PUBLISHED_ARMS)):
        for arm in arms:
            for seed in s01.SEEDS:
                grid.run(f"{prefix}_{arm}_{seed}", {}, values)
    for names in s01.shallow_names().values():
        for name in names:
            grid.run(name, {}, values)
    grid.run("bands_frame", {}, lambda: {"frame_auc_test": [0.90, 0.91, 0.92]})
    return grid


def test_the_three_arms_differ_in_weights_and_in_what_learns_alone(s01):
    fields = [dataclasses.asdict(recipe) for recipe in s01.ARMS.values()]
    differing = {key for key in fields[0] if len({arm[key] for arm in fields}) > 1}
    assert differing == {"weights", "trainable"}


def test_published_freezing_lets_batchnorm_drift_and_ours_does_not(s01):
    torch.manual_seed(0)
    models = (
        s01.ParametersFrozen("efficientnet_lite0")(),
        Classifier("efficientnet_lite0", trainable="head", input_size=32)(),
    )
    drifted = []
    for model in models:
        before = {name: value.clone() for name, value in model.state_dict().items()}
        model.train()
        model(torch.rand(4, 1, 28, 28))
        drifted.append(
            any(not torch.equal(value, before[name]) for name, value in model.state_dict().items())
        )
        trained = {name for name, p in model.named_parameters() if p.requires_grad}
        assert trained == {"head.weight", "head.bias"}
    assert drifted == [True, False]


def test_scratch_as_published_is_fine_tuning_under_another_name(s01):
    arms = s01.PUBLISHED_ARMS
    assert arms["scratch_as_published"] == arms["finetuned"] != arms["scratch_as_meant"]


def test_the_rate_is_chosen_by_mean_validation_auc_and_the_smaller_wins_a_tie(s01):
    assert s01.chosen_rate({0.1: {"a": 0.7, "b": 0.9}, 0.01: {"a": 0.81, "b": 0.8}}) == 0.01
    assert s01.chosen_rate({0.1: {"a": 0.8}, 0.01: {"a": 0.8}}) == 0.01


def test_the_frame_holds_the_rim_and_nothing_of_the_middle(s01):
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 3:-3, 3:-3] = 9
    assert s01.frame(image, 3).shape == (1, 28 * 28 - 22 * 22)
    assert s01.frame(image, 3).max() == 0
    assert s01.frame(image, 4).max() == 9


def test_seeds_of_the_sweep_are_used_nowhere_else(s01):
    assert s01.SWEEP_SEED not in s01.SEEDS


def test_tables_hold_every_arm_with_its_interval(s01, filled, tmp_path, monkeypatch):
    page = tmp_path / "results.md"
    monkeypatch.setattr(s01, "write_section", lambda key, text: page.write_text(text))
    s01.write_tables(filled)
    text = page.read_text()
    assert "Not computed yet" not in text
    assert "10 steps of 32 images" in text
    assert "learning rate 0.001" in text  # the middle rate has the best validation AUC
    for title in (*s01.MAIN_TITLES.values(), *s01.SHALLOW_TITLES.values(), *s01.PUBLISHED_TITLES.values()):
        assert f"| {title} |" in text
    assert "fine-tuned − random initialisation" in text


def test_unequal_steps_stop_the_tables(s01, filled):
    path = filled.folder / "main_random_0.json"
    path.write_text(path.read_text().replace('"steps": 10', '"steps": 11'))
    with pytest.raises(UnfairComparisonError, match=r"\[10, 11\]"):
        s01.write_tables(filled)


def test_an_empty_grid_says_so(s01, study, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(s01, "write_section", lambda key, text: written.append(text))
    s01.write_tables(study("_grid").Grid(tmp_path))
    assert "Not computed yet." in written[0]


def test_a_run_of_the_frozen_arm_moves_nothing_but_its_head(s01, noise):
    found = s01.train_one(
        Classifier("efficientnet_lite0", trainable="head", input_size=32),
        0,
        s01.MAIN | {"epochs": 1, "lr": 1e-3},
        dict.fromkeys(("train", "val", "test"), noise),
    )
    assert found["moved_besides_head"] == 0
    assert found["steps"] == 2  # 40 images in batches of 32
    assert set(found["test"]) >= {"auc", "acc", "balacc", "kappa", "specificity"}
    assert found["val"] == found["test"]
