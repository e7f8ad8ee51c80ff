"""Quiz and challenge of lesson 08: what is special about them."""

import builtins
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from torch import nn

from teachkit import big, data
from teachkit.course.challenge import save_arrays
from teachkit.mmpt import Sampler
from teachkit.mmpt.heads import OrdinalHead

CHALLENGE = "08_mm_pt/challenge.ipynb"
A, B = [8.0, 10, 12, 14], [1.0, 1, 3, 3]


def layer():
    return nn.BatchNorm1d(1, eps=1e-12, affine=False, dtype=torch.float64)


def column(numbers):
    return torch.tensor(numbers, dtype=torch.float64)[:, None]


def test_keys_on_eight_numbers_are_those_of_the_layer():
    norm = layer()
    assert float(norm(column(A))[-1]) == pytest.approx(1.3416, abs=1e-4)
    norm(column(B))
    assert (norm.running_mean.item(), norm.running_var.item()) == pytest.approx((1.19, 1.5433), abs=1e-4)
    assert float(layer()(column(A + B))[3]) == pytest.approx(1.5554, abs=1e-4)
    norm.reset_running_stats()
    norm.momentum = None  # all batches count alike
    norm(column(A))
    norm(column(B))
    assert float(norm.eval()(column([14.0]))) == pytest.approx(3.75)


def test_keys_on_single_patients_are_those_of_the_layer():
    assert layer()(column([0.0, 2]))[-1] == pytest.approx(1)
    assert layer()(column([0.0, 2, 2, 2, 2]))[-1] == pytest.approx(0.5)


def after_zeros(optimizer, steps, gradients=(), **settings):
    """A number that was 2, after steps with a gradient of zero."""
    number = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    descent = optimizer([number], lr=0.1, **settings)
    for gradient in gradients:
        number.grad = torch.tensor([gradient], dtype=torch.float64)
        descent.step()
    number.data.fill_(2.0)
    for _ in range(steps):
        number.grad = torch.zeros(1, dtype=torch.float64)
        descent.step()
    return number.item()


def test_keys_on_idle_heads_are_those_of_the_optimisers():
    sgd, adam = torch.optim.SGD, torch.optim.Adam
    both = {"momentum": 0.9, "weight_decay": 0.1}
    once = {"gradients": [0.8]}  # with 0.1 * 2 of the decay: v = 1
    assert after_zeros(sgd, 1, **once, **both) == pytest.approx(1.89)
    assert after_zeros(sgd, 5, **once, **both) == pytest.approx(1.39, abs=1e-4)
    moved = {
        "A": after_zeros(sgd, 1, weight_decay=0.1),
        "B": after_zeros(sgd, 1, momentum=0.9),
        "C": after_zeros(adam, 1, gradients=[1.0]),
        "D": after_zeros(sgd, 5),
    }
    assert {name for name, number in moved.items() if number != 2} == {"A", "C"}


def test_keys_on_batches_are_those_of_the_sampler():
    counts = (640, 100, 30)
    batches = Sampler(counts, "homogeneous", 64, 0).batches_of
    assert batches == (10, 2, 1)
    assert batches[2] / sum(batches) == pytest.approx(0.0769, abs=1e-4)
    assert Sampler(counts, "temperature", 64, 0, alpha=0.5).chances[2] == pytest.approx(0.1343, abs=1e-4)
    assert 64 * Sampler(counts, "mixed", 64, 0).chances[2] == pytest.approx(2.4935, abs=1e-4)


def test_keys_on_grades_are_those_of_the_ordinal_head():
    head, above = OrdinalHead(1, 4), 0.8 - torch.tensor([[-1.0, 0.2, 1.5]])
    assert head.probabilities(above)[0, 2:].tolist() == pytest.approx([0.3138, 0.3318], abs=1e-4)
    first, second = (float(head.row_losses(above, torch.tensor([grade]))) for grade in (0, 1))
    assert first - second == pytest.approx(1.8)


EMBEDDED = ["digits", "fundus_grades", "fundus_vessels", "ihc_tissue", "ihc_contents"]
WITHOUT_TRAINING = {
    "solve": "def solve(*_): raise RuntimeError",
    "plain": "published = lambda domains: None\nbalanced = lambda model, splits: dict.fromkeys(splits, 0.4)",
}


def said(split, right=1.0):
    """Probabilities of a student who is right about a share of each class, and says 0 for the rest."""
    labels = split.labels if split.info.task == "multi-label" else split.labels[:, 0]
    rng = np.random.default_rng(0)
    known = rng.random(labels.shape) < right
    told = np.where(known, labels, 0)
    if split.info.task == "multi-label":
        return 0.1 + 0.8 * told
    count = len(split.info.classes)
    return 0.2 / count + 0.8 * np.eye(count)[told]


@pytest.fixture
def tests(offline):
    return {name: data.load(name, "test") for name in EMBEDDED}


def hand_in(folder, tests, answers, steps=200):
    path = big.write_predictions(folder / "predictions.csv", answers, suite="course", splits=tests.values())
    save_arrays(folder / "steps.npz", {"steps": steps})
    return path


def points(marks):
    return marks["form-test"], marks["score-test"]


@pytest.mark.parametrize(
    ("right", "behind", "steps", "earned"),
    [
        (1.0, (), 200, (3, 7)),
        (1.0, (), 0, (3, 7)),
        (1.0, (), 201, (2, 7)),
        (1.0, (), -1, (2, 7)),
        (1.0, (), 150.5, (2, 7)),
        (1.0, (), [100, 100], (2, 7)),
        (0.3, (), 200, (3, 4)),
        (1.0, ("digits",), 200, (3, 5)),
        (1.0, ("ihc_contents",), 200, (3, 5)),
        (0.0, (), 200, (3, 0)),
    ],
)
def test_each_rule_has_its_own_points(tmp_path, tests, marks_of, right, behind, steps, earned):
    answers = {name: said(split, 0.0 if name in behind else right) for name, split in tests.items()}
    hand_in(tmp_path, tests, answers, steps)
    assert points(marks_of(CHALLENGE, WITHOUT_TRAINING)) == earned


def test_a_file_without_one_domain_earns_nothing(tmp_path, tests, marks_of, capsys):
    hand_in(tmp_path, tests, {name: said(tests[name]) for name in EMBEDDED[1:]})
    assert points(marks_of(CHALLENGE, WITHOUT_TRAINING)) == (0, 0)
    assert "without an answer: digits" in capsys.readouterr().out


def test_a_manifest_of_ones_own_with_fewer_pictures_or_domains_earns_nothing(tmp_path, tests, marks_of):
    """The manifest beside the file agrees with it; the pictures of the challenge do not."""
    easy = tests | {"digits": tests["digits"][:40]}
    hand_in(tmp_path, easy, {name: said(split) for name, split in easy.items()})
    assert points(marks_of(CHALLENGE, WITHOUT_TRAINING)) == (0, 0)
    easy = {name: tests[name] for name in EMBEDDED[2:]}
    hand_in(tmp_path, easy, {name: said(split) for name, split in easy.items()})
    assert points(marks_of(CHALLENGE, WITHOUT_TRAINING)) == (0, 0)


@pytest.mark.parametrize("spoil", ["predictions.csv", "steps.npz", "course.suite.json"])
def test_an_absent_or_damaged_file_is_named_and_earns_nothing(tmp_path, tests, marks_of, spoil, capsys):
    hand_in(tmp_path, tests, {name: said(split) for name, split in tests.items()})
    (tmp_path / spoil).write_text("nothing of use")
    assert points(marks_of(CHALLENGE, WITHOUT_TRAINING)) == (0, 0)
    assert spoil in capsys.readouterr().out


@pytest.mark.real_data
@pytest.mark.slow
def test_and_on_pictures_of_patients_too(isolated, real_data, marks_of, points_of, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    assert marks_of(CHALLENGE) == points_of(CHALLENGE)


@pytest.mark.slow
def test_the_network_to_beat_fails_by_its_statistics(offline, root, tests, monkeypatch):
    """The same weights are better with other statistics: else the challenge would ask for a wrong repair."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    names: dict[str, Any] = {}
    for cell in nbformat.read(root / "quizzes" / "source" / CHALLENGE, as_version=4).cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") in ("setup", "data", "plain"):
            builtins.exec(cell.source, names)
    model = names["published"](names["domains"])
    read = {
        rule: np.mean([*names["balanced"](model, tests, statistics=rule).values()])
        for rule in ("everyone", "domain")
    }
    assert read["everyone"] < 0.5 < read["everyone"] + 0.15 < read["domain"]
