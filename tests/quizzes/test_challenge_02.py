"""The challenge of lesson 02: only pictures without a twin count, and the case is the clinical one."""

import numpy as np
import pytest

from teachkit.course.challenge import PREDICTIONS, read_predictions, save_predictions

CHALLENGE = "02_augmentation/challenge.ipynb"
NO_TRAINING = {"solve": "def solve(*_): raise RuntimeError"}


def chances(kind, truth):
    """A student's probabilities of the case, [N]."""
    case = (truth.labels[:, 0] == truth.info.positive).astype(float)
    bright = truth.images.reshape(len(truth), -1).mean(axis=1) / 255
    return {
        "right": 0.1 + 0.8 * case,
        "right order, no threshold": 0.1 + 0.3 * case,
        "other class": 0.9 - 0.8 * case,
        "brightness": 0.5 + 0.4 * np.tanh(bright - bright.mean()) * np.sign(np.corrcoef(bright, case)[0, 1]),
        "coin": np.full(len(case), 0.5),
    }[kind]


def hand_in(folder, name, ours, positive, steps=400):
    both = np.stack([ours, 1 - ours] if positive == 0 else [1 - ours, ours], axis=1)
    save_predictions(both, steps=steps, data=name, path=folder / PREDICTIONS)


@pytest.mark.parametrize(
    ("kind", "steps", "points"),
    [
        ("right", 400, (3, 7)),
        ("right", 401, (2, 7)),
        ("right order, no threshold", 0, (3, 5)),
        ("other class", 0, (3, 0)),
        ("brightness", 0, (3, 2)),
        ("coin", 0, (3, 0)),
    ],
)
def test_each_rule_has_its_own_points(offline, tmp_path, marks_of, kind, steps, points):
    from teachkit import data

    truth = data.load("fundus_vessels", "test")
    hand_in(tmp_path, "fundus_vessels", chances(kind, truth), truth.info.positive, steps)
    marks = marks_of(CHALLENGE, NO_TRAINING)
    assert (marks["form-test"], marks["score-test"]) == points


def test_a_file_for_other_pictures_earns_nothing(offline, tmp_path, marks_of):
    hand_in(tmp_path, "fundus_vessels", np.full(219, 0.5), 1)
    marks = marks_of(CHALLENGE, NO_TRAINING)
    assert (marks["form-test"], marks["score-test"]) == (0, 0)


@pytest.mark.real_data
def test_knowing_the_twins_and_nothing_else_earns_no_score(
    isolated, real_data, tmp_path, marks_of, monkeypatch
):
    from teachkit import data

    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    truth, twins = data.load("breastmnist", "test"), data.audit_splits("breastmnist").twins("test")
    assert (truth.info.positive, twins.sum()) == (0, 59)
    ours = np.where(twins, chances("right", truth), chances("other class", truth))
    hand_in(tmp_path, "breastmnist", ours, truth.info.positive)
    assert marks_of(CHALLENGE, NO_TRAINING)["score-test"] == 0


@pytest.mark.real_data
@pytest.mark.slow
def test_reference_solution_earns_all_points_on_breastmnist_too(
    isolated, real_data, tmp_path, marks_of, monkeypatch
):
    import torch

    torch.set_num_threads(1)
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    marks = marks_of(CHALLENGE)
    assert read_predictions(tmp_path / PREDICTIONS).data == "breastmnist"
    assert (marks["form-test"], marks["score-test"]) == (3, 7)
