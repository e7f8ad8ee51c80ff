"""Lesson 06: what its cells define is what the package computes, and what its text says is so."""

from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from teachkit import data, graphs, ugnn
from teachkit.training.batches import Batches
from teachkit.ugnn import definition

DEFINED = ("squash", "batch", "largest_gap")
WAYS = ("plain", "solo", "joint")


@pytest.fixture(scope="module")
def lesson(functions):
    """The functions that the lesson's cells define, by name."""
    return functions(*DEFINED, torch=torch)


@pytest.fixture(scope="module")
def union():
    """Two small networks, as one graph."""
    torch.manual_seed(0)
    networks = (nn.Linear(4, 3), nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)))
    return graphs.unite(graphs.model_graph(network, torch.zeros(1, 4)) for network in networks)


def test_the_formula_of_the_lesson_is_that_of_the_package(lesson):
    weights = torch.linspace(-3, 3, 61, dtype=torch.float64)
    for theta, delta, s in ((1, 0, 1), (3, -0.5, 0.25), (-2, 0.5, 4)):
        found = [lesson["squash"](w, theta, delta, s) for w in weights.tolist()]
        assert np.allclose(found, definition.softsign(theta * weights + delta, s))


def test_numbers_about_the_softsign_are_right(lesson, text):
    assert lesson["squash"](1 / 3) == pytest.approx(0.25)
    assert f"0.03 becomes {lesson['squash'](0.03):.3f}" in text
    assert "A quarter of the weight is gone" in text


def test_ten_steps_that_change_nothing_leave_a_thirteenth_of_a_third(lesson, text):
    w, one = 1 / 3, nn.Linear(1, 1, bias=False)
    nn.init.constant_(one.weight, w)
    model = ugnn.UGNN(graphs.unite([graphs.model_graph(one, torch.zeros(1, 1))]), rule="compounding")
    for _ in range(10):
        w = lesson["squash"](w)
        model.compound()
    assert w == pytest.approx(1 / 13)
    assert float(model.edges.values) == pytest.approx(w, rel=1e-5)
    assert "From 3 it goes to 13 in ten steps" in text


@pytest.mark.parametrize("name", ["digits", "ihc_patches"])
def test_batches_of_the_lesson_are_those_of_training(offline, lesson, name):
    split, rows = data.load(name), np.array([3, 1, 4])
    expected = Batches.of(split, torch.device("cpu")).gather(rows)
    assert all(torch.equal(a, b) for a, b in zip(lesson["batch"](split, rows), expected, strict=True))


def test_a_factor_on_a_loss_cancels_under_adamw_and_not_under_plain_descent(lesson, union):
    torch.manual_seed(1)
    x, y = torch.randn(32, 4), torch.arange(32) % 3

    def trained(weights, kind):
        model = ugnn.UGNN(union, scales="per_model")
        optimiser = getattr(torch.optim, kind)(model.parameters(), lr=0.005)
        for _ in range(10):
            optimiser.zero_grad()
            model.loss(model(x), y, weights).backward()
            optimiser.step()
        return [out.detach() for out in model(x)]

    def change(kind):
        return [
            lesson["largest_gap"]([a], [b])
            for a, b in zip(trained([1.0, 1.0], kind), trained([10.0, 1.0], kind), strict=True)
        ]

    assert change("AdamW")[1] == change("SGD")[1] == 0
    assert 20 * change("AdamW")[0] < change("SGD")[0]


def test_relatives_of_the_lesson_are_those_of_the_study_and_start_alike(functions):
    given = {"nn": nn, "deepcopy": deepcopy, "pairwise": pairwise, "channels": 1, "classes": 2}
    made = functions("relatives", **given)["relatives"]()
    known = ugnn.related_networks(1, 2)
    for mine, theirs in zip(made.values(), known.values(), strict=True):
        assert [p.shape for p in mine.parameters()] == [p.shape for p in theirs.parameters()]
    first = [network[1].weight for network in made.values()]
    assert torch.equal(first[0], first[1])
    assert torch.equal(first[0], first[2])


def test_by_role_the_three_networks_have_only_the_biases_of_their_classes_in_common():
    networks, image = ugnn.reference_networks(classes=7, gnn=True).values(), torch.zeros(1, 1, 28, 28)
    model = ugnn.UGNN(graphs.unite(graphs.model_graph(network, image) for network in networks), "role")

    def common(groups, owner):
        pairs = torch.stack((groups, owner), 1).unique(dim=0)
        return int((pairs[:, 0].bincount() > 1).sum())

    assert common(model.groups.edges, model.edge_owner) == 0
    assert common(model.groups.biases, model.bias_owner) == 7


def test_answers_of_the_exercises_are_right(lesson, text, union):
    def steps_until(w, limit):
        steps = 0
        while w >= limit:
            w, steps = lesson["squash"](w), steps + 1
        return steps

    assert [steps_until(0.5, 0.003), steps_until(1, 0.3), steps_until(0.25, 0.19)] == [332, 3, 2]
    model = ugnn.UGNN(union)
    losses = [out.logsumexp(1).sum() for out in model(torch.randn(8, 4))]
    first, second = (int(model.gradient(loss).abs().argmax()) for loss in losses)
    groups = model.groups.edges.clone()
    groups[second] = first
    linked = ugnn.UGNN(union, replace(model.groups, edges=groups))
    reach = linked.influence([out.logsumexp(1).sum() for out in linked(torch.randn(8, 4))])
    assert (reach > 0).all()
    assert round((0.76 - 0.77) / 0.06, 3) == -0.167
    assert "−0.01 / 0.06, about −0.17" in text


def test_differences_quoted_in_the_lesson_and_in_the_corrections_stand_in_the_results(root, text, quoted):
    corrections = (root / "docs" / "corrections.md").read_text()
    corrections = corrections.partition("## 06 uGNN")[2].partition("\n## ")[0]
    survives = text.partition("## What survives the claim?")[2].partition("\n## ")[0]
    for said, least in ((survives, 6), (corrections, 8)):
        intervals, unknown = quoted(said)
        assert len(intervals) >= least
        assert not unknown


def after_a_run(test):
    """Mark a test that reads what the executed lesson recorded."""
    return pytest.mark.slow(pytest.mark.xdist_group("lessons")(test))


@after_a_run
def test_recorded_differences_follow_from_the_folds(found, recorded):
    scores = {way: np.array(found[f"f1_{way}_by_fold"]) for way in WAYS}
    pairs = {
        "joint_solo": scores["joint"] - scores["solo"],
        "joint_plain": scores["joint"] - scores["plain"],
        "solo_plain": scores["solo"] - scores["plain"],
        "random_kmeans_plain": np.array(found["f1_plain_random_by_fold"]) - scores["plain"],
        "random_kmeans_joint": np.array(found["f1_joint_random_by_fold"]) - scores["joint"],
    }
    for name, gaps in pairs.items():
        low, high = stats.t.interval(0.95, len(gaps) - 1, gaps.mean(), stats.sem(gaps))
        assert recorded[f"diff_{name}_f1"]["value"] == pytest.approx(gaps.mean())
        assert recorded[f"diff_{name}_f1"]["interval"] == pytest.approx([low, high])


@after_a_run
def test_gradients_stay_at_home_with_a_group_an_edge_and_reach_everyone_with_few(found):
    alone = np.reshape(found["influence_edge"], (3, 3))
    assert (alone.diagonal() > 0).all()
    assert (alone - np.diag(alone.diagonal()) == 0).all()
    assert min(found["influence_few"]) > 0
    assert found["few_groups"] < found["union_edges"]


@after_a_run
def test_joint_is_solo_unless_the_two_scales_are_shared(found):
    assert found["joint_solo_gap"] == 0 < found["joint_solo_gap_shared"]


@after_a_run
def test_a_ugnn_has_two_numbers_for_each_edge_and_bias_and_two_more(found):
    assert found["ugnn_numbers"] == 2 * (found["union_edges"] + found["union_biases"]) + 2
    assert found["ugnn_numbers"] > found["plain_numbers"]


@after_a_run
def test_copies_that_share_everything_stay_one_network(found):
    assert found["tied_copies_differ"] == 0


@after_a_run
def test_share_of_images_that_a_cut_epoch_never_shows_follows_from_the_sizes(found):
    sizes = found["cluster_sizes"]
    assert found["unseen_if_cut"] == pytest.approx(1 - 3 * min(sizes) / sum(sizes))


@after_a_run
def test_card_says_that_nothing_was_learned_from_others(folder):
    card = (folder / "model_card.md").read_text()
    assert "Nothing is learned from the clusters of the other networks" in card
    assert "not for clinical use" in card
