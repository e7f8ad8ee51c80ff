"""Lesson 05: what its cells define is what the package computes, and what its text says is so."""

import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from teachkit import data, graphs

DEFINED = ("one_round", "taps", "conv_edges", "everyone_at_once", "fresh", "without_batchnorm")


@pytest.fixture(scope="module")
def lesson(functions):
    """The functions that the lesson's cells define, by name."""
    bias = [0, 0, 0, 0.0, -1.0, 0.5, 0.0]
    return functions(*DEFINED, np=np, torch=torch, nn=nn, graphs=graphs, bias=bias)


def test_the_round_written_out_in_the_lesson_is_that_of_the_package(lesson):
    mask = np.kron(np.arange(1, 13).reshape(3, 4), np.pad(np.ones((3, 3), int), 1))
    made = graphs.cell_graph(mask, radius=7.5)
    values = np.random.default_rng(0).random(12)
    assert len(made.edges) > 12
    assert np.allclose(lesson["one_round"](values, made.edges.tolist()), made.average(values))


def test_the_four_cells_of_the_paper_exercise_have_the_means_of_the_text(lesson):
    found = lesson["one_round"]([30, 50, 40, 200], [(0, 1), (1, 2), (2, 3)])
    assert found == pytest.approx([40, 40, 290 / 3, 120])


@pytest.mark.parametrize("length", [3, 4, 5, 28])
@pytest.mark.parametrize("stride", [1, 2])
def test_counting_along_one_axis_gives_the_edges_of_the_graph(lesson, length, stride):
    assert lesson["taps"](length, stride) ** 2 == lesson["conv_edges"](length, stride=stride)


def test_formula_of_the_first_exercise_holds(lesson):
    assert all((3 * n - 2) ** 2 == lesson["conv_edges"](n) for n in (3, 4, 7, 28))


def test_everybody_at_once_needs_as_many_rounds_as_the_longest_path_and_never_ends_with_a_cycle(lesson):
    arrows = [(0, 3), (1, 3), (2, 3), (0, 4), (1, 4), (2, 4), (3, 5), (4, 5), (3, 6), (4, 6)]
    weight = [1, -1, 2, 0.5, 1, -1, 1, 2, -1, 4]
    assert lesson["everyone_at_once"](arrows, weight, 4) == [[0.5, 0.0], *[[3.5, 6.0]] * 3]
    rounds = lesson["everyone_at_once"]([*arrows, (5, 4)], [*weight, 1.0], 30)
    assert rounds[-1][0] > 1000


def test_numbers_in_the_text_are_those_of_the_graphs(lesson, text):
    cnn = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(3136, 10))
    sizes = [784, 100, 50, 20, 10]
    mlp = nn.Sequential(nn.Flatten(), *(nn.Linear(a, b) for a, b in pairwise(sizes)))
    image = torch.zeros(1, 1, 28, 28)
    counts = [graphs.model_graph(net, image) for net in (mlp, cnn)]
    said = "{:,} edges against {:,}, and {:,} numbers against {:,}"
    assert said.format(*(g.num_edges for g in counts), *(len(g.values) for g in counts)) in text
    assert f"82 × 82 = {lesson['conv_edges'](28):,}" in text
    first, second = counts[1].layers[1:]
    assert 0.4 < first.edges / (first.edges + second.edges) < 0.5  # "nearly half of the edges"


def test_a_pixel_in_the_corner_reaches_nine_neurons_and_one_in_the_middle_twenty_five(text):
    twice = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1))
    graph = graphs.model_graph(twice, torch.zeros(1, 1, 6, 6))
    fields = [graph.receptive_field(node).inputs.tolist() for node in range(72, 108)]
    assert (sum(0 in f for f in fields), sum(14 in f for f in fields)) == (9, 25)
    assert re.search(r"9: a square of 3 × 3 .* reaches 25", text)


def test_a_network_without_its_batchnorm_keeps_every_shape_and_changes_its_answers(lesson):
    torch.manual_seed(0)
    network, images = lesson["fresh"](), torch.rand(8, 1, 28, 28)
    for _ in range(20):
        network(images)  # BatchNorm listens
    network.eval()
    skipped = lesson["without_batchnorm"](network)
    assert skipped(images).shape == network(images).shape
    assert len(skipped) == len(network) - 2
    graph = graphs.model_graph(skipped, images[:1])
    with torch.no_grad():
        assert torch.allclose(graph.forward(images), skipped(images), atol=1e-5)
        assert not torch.allclose(graph.forward(images), network(images), atol=0.05)


def test_both_sets_of_the_lesson_hold_a_picture_with_a_countable_number_of_cells(offline):
    from skimage import measure

    masks = data.load("ihc_masks", size=128).masks
    counts = [measure.label(np.isin(mask, (1, 3))).max() for mask in masks]
    assert min(abs(count - 28) for count in counts) <= 5


@pytest.mark.slow
@pytest.mark.xdist_group("lessons")
def test_recorded_difference_follows_from_the_seeds(recorded):
    from scipy import stats

    whole, skipped = (recorded[f"acc_{key}_by_seed"]["value"] for key in ("whole", "skipped"))
    gaps = np.subtract(skipped, whole)
    low, high = stats.t.interval(0.95, len(gaps) - 1, gaps.mean(), stats.sem(gaps))
    assert recorded["diff_skipped_whole_acc"]["value"] == pytest.approx(gaps.mean())
    assert recorded["diff_skipped_whole_acc"]["interval"] == pytest.approx([low, high])
    assert min(whole) > 0.85


@pytest.mark.slow
@pytest.mark.xdist_group("lessons")
def test_what_must_hold_in_any_run_holds(found):
    assert all(found[name] for name in ("forward_agrees", "cycle_found", "renumbering_keeps_outputs"))
    assert (found["conv_edges"], found["conv_weights"], found["two_layers_see"]) == (100, 9, 5)
    assert (found["cnn_edges"], found["cnn_numbers"]) == (58_256, 31_410)
    assert (found["mlp_edges"], found["mlp_numbers"]) == (84_600, 84_780)
    assert (found["gcn_neurons"], found["gcn_weights"], found["edges_between_models"]) == (16, 4, 0)
    assert found["resnet_edges"] == 19_087_104
    assert found["own_edges"] - found["own_fixed_edges"] >= found["own_weights"]
    assert found["area_sd_after"] < found["area_sd_before"]
