"""Lesson 07: what its cells define is what the package computes, and what its text says is so."""

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from teachkit import data, hyperinit
from teachkit.hyperinit.pretext import Rotation

ARMS = ("kaiming", "untrained", "trained", "shuffled", "self_supervised")
PAIRS = {
    "trained_kaiming": ("trained", "kaiming"),
    "trained_untrained": ("trained", "untrained"),
    "trained_shuffled": ("trained", "shuffled"),
    "untrained_kaiming": ("untrained", "kaiming"),
    "self_trained": ("self_supervised", "trained"),
}


@pytest.fixture(scope="module")
def lesson(functions):
    """The functions that the lesson's cells define, by name."""
    names = ("centred", "turns_by_mean", "sweep", "there_and_back", "same", "mean", "turned")
    return functions(*names, torch=torch, np=np)


@pytest.fixture(scope="module")
def tiny():
    """Graph of a convolution with a short cut around it."""

    class Tiny(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x):
            return x + self.conv(x)

    return hyperinit.architecture_graph(Tiny())


@pytest.mark.parametrize("name", ["digits", "ihc_patches"])
def test_turned_images_of_the_lesson_are_those_of_the_package(offline, lesson, name):
    split = data.load(name).sample(5)
    inputs, turns = lesson["turned"](split, np.arange(5))
    pixels = torch.from_numpy(split.images).reshape(5, 28, 28, -1).permute(0, 3, 1, 2)
    expected, known = Rotation(zoom=(1, 1))(pixels, torch.Generator().manual_seed(0))
    assert torch.equal(inputs, expected)
    assert torch.equal(turns, known)


def test_the_mean_image_finds_the_turns_of_digits_and_not_of_histology(offline, lesson):
    def share(name):
        parts = (data.load(name, part).sample(1000) for part in ("train", "test"))
        return lesson["turns_by_mean"](*parts)

    right, axis = share("digits")
    assert axis == 1
    assert right == pytest.approx(0.75, abs=0.01)
    assert 0.2 < share("ihc_patches")[0] < 0.4


def test_the_mean_image_finds_every_turn_of_one_image_that_is_its_own_mean(offline, lesson):
    one = data.load("digits").sample(10)[:1]
    assert lesson["turns_by_mean"](one, one) == (1, 1)


@pytest.mark.real_data
def test_the_mean_film_finds_99_turns_in_a_hundred(real_data, isolated, monkeypatch, lesson, text):
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    parts = (data.load("pneumoniamnist", part).sample(1000) for part in ("train", "test"))
    assert round(lesson["turns_by_mean"](*parts)[0], 2) == 0.99
    assert "PneumoniaMNIST): .99" in text


@pytest.mark.parametrize(
    ("name", "said"), [("pneumoniamnist", ".99"), ("breastmnist", ".92"), ("retinamnist", ".65")]
)
def test_shares_of_turns_in_the_text_are_those_of_the_study(root, text, name, said):
    cell = json.loads((root / "studies" / "results" / "07" / f"mean_{name}.json").read_text())
    assert f"{cell['values']['accuracy']:.2f}".lstrip("0") == said
    titles = {"pneumoniamnist": "PneumoniaMNIST)", "breastmnist": "BreastMNIST", "retinamnist": "RetinaMNIST"}
    assert f"{titles[name]}: {said}" in text


def test_states_by_hand_are_those_of_the_text(lesson, tiny, text):
    parts = (lesson["same"], lesson["same"], lesson["mean"])
    start = torch.tensor([4.0, 0.0, 0.0, 0.0])
    forwards = lesson["sweep"](list(start), tiny.distances, *parts)
    assert [float(x) for x in forwards] == [2, 1, 1, 1.75]
    back = lesson["there_and_back"](start, tiny.distances, *parts)
    assert [float(x) for x in back] == [2.265625, 1.1875, 0.9375, 0.875]
    assert "(1 + 2 + 1/2) / 2 = 1.75" in text
    together = [float(lesson["mean"](m, g)) for m, g in zip((0, 4, 2, 4), start, strict=True)]
    assert together[3] == 2  # all at the same time: the sum hears the input's old 4


def test_the_loop_of_the_lesson_is_that_of_the_package(lesson, tiny):
    gnn = hyperinit.HyperInitializer().gnn
    states = torch.randn(tiny.num_nodes, 32)
    with torch.no_grad():
        found = lesson["there_and_back"](states[:, None], tiny.distances, gnn.direct, gnn.distant, gnn.update)
        assert torch.allclose(torch.cat(found), gnn.definition(states, tiny), atol=1e-6)


def test_a_network_with_kaiming_weights_and_a_random_last_layer_guesses_turns(offline, lesson):
    torch.manual_seed(0)
    inputs, turns = lesson["turned"](data.load("digits", "test").sample(64), np.arange(64))
    right = []
    for _ in range(8):
        network = hyperinit.references()["resnet8"].build(1, 4)
        with torch.no_grad():
            right.append(float((network(inputs).argmax(1) == turns).float().mean()))
    assert np.mean(right) == pytest.approx(0.25, abs=0.1)


def test_who_wavers_between_two_answers_pays_ln_2(text):
    logits = torch.tensor([[20.0, 0.0, 20.0, 0.0]])
    assert float(nn.functional.cross_entropy(logits, torch.tensor([2]))) == pytest.approx(math.log(2))
    assert "0.7 is ln 2" in text


def test_answers_of_the_exercises_are_right():
    def pays_from(once, each, own):
        return math.ceil(once / (own - each))

    assert [pays_from(7200, 1, 300), pays_from(100, 0, 10), pays_from(100, 0, 9)] == [25, 10, 12]

    class Seven(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(1, 2, 3, padding=1)
            self.norm = nn.BatchNorm2d(4)

        def forward(self, x):
            return self.norm(torch.cat([self.a(x), self.b(x)], 1))

    kinds = hyperinit.architecture_graph(Seven()).kinds
    assert kinds == ("input", "conv", "bias", "conv", "bias", "concat", "bn")
    assert round((0.86 - 0.84) / (0.86 - 0.81), 3) == 0.4


def test_differences_quoted_in_the_lesson_and_in_the_corrections_stand_in_the_results(root, text, quoted):
    corrections = (root / "docs" / "corrections.md").read_text().partition("## 07 ")[2].partition("\n## ")[0]
    survives = text.partition("## What survives the claim?")[2].partition("\n## ")[0]
    for said in (survives, corrections):
        intervals, unknown = quoted(said)
        assert len(intervals) >= 8
        assert not unknown


def test_no_placeholder_is_left(text):
    assert "TODO" not in text


def after_a_run(test):
    """Mark a test that reads what the executed lesson recorded."""
    return pytest.mark.slow(pytest.mark.xdist_group("lessons")(test))


@after_a_run
def test_recorded_differences_follow_from_the_seeds(found, recorded):
    for way in ("probe", "tuned"):
        scores = {arm: np.array(found[f"{way}_{arm}_by_seed"]) for arm in ARMS}
        for name, (a, b) in PAIRS.items():
            gaps = scores[a] - scores[b]
            assert recorded[f"diff_{name}_{way}"]["value"] == pytest.approx(gaps.mean())


@after_a_run
def test_unseen_networks_beat_a_guess_after_a_short_training(found):
    assert found["pretrain_steps"] == 250
    assert found["unseen_loss"] < math.log(4) - 0.2


@after_a_run
def test_the_axis_is_known_first_and_on_digits_the_sign_is_not(found, folder):
    assert found["axis_accuracy"] > 0.6
    if "embedded" in json.loads((folder / "status.json").read_text())["source"]:  # then it is the digits
        assert found["axis_accuracy"] > 0.9
        assert abs(found["direction_accuracy"] - 0.5) < 0.15


@after_a_run
def test_break_even_follows_from_the_times(found):
    saved = found["own_seconds"] - found["predict_seconds"]
    assert found["break_even"] == math.ceil(found["pretrain_seconds"] / saved)


@after_a_run
def test_own_rates_are_no_worse_on_validation_than_the_published_one(found):
    assert min(found["gain_own_rate"]) >= 0


@after_a_run
def test_card_names_the_steps_and_is_not_for_clinics(folder):
    card = (folder / "model_card.md").read_text()
    assert "250 steps on turned images" in card
    assert "not for clinical use" in card
