"""Networks that are designed and never trained."""

import numpy as np
import pytest
import torch
from torch import Tensor

from teachkit.errors import SettingsError, UnknownNameError
from teachkit.hyperinit import HyperInitializer, pretext_scores
from teachkit.hyperinit.architectures import FAMILIES, Basic
from teachkit.hyperinit.designs import BUILD, EXAMPLES, Designer
from teachkit.hyperinit.pretext import Rotation


@pytest.fixture(scope="module")
def small() -> HyperInitializer:
    made = HyperInitializer(dim=8, max_channels=8, max_kernel=3)
    made.grow_head(4)
    return made


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 12, 12), dtype=np.uint8)


@pytest.fixture(scope="module")
def designer(small: HyperInitializer, images: np.ndarray) -> Designer:
    return small.design(images, ["basic", "vgg"])


SIZES = {"stages": 2, "width": 4, "depth": 1, "kernel": 3}


def test_a_design_is_the_network_with_these_settings(designer):
    made = designer.at(family="basic", **SIZES)
    assert made.architecture == Basic((4, 8), (1, 1), 3, 3, 1, "none")
    network = made.architecture.build(1, 4)
    assert made.weights == sum(parameter.numel() for parameter in network.parameters())
    assert made.graph.num_nodes == designer.at(family="basic", **SIZES).graph.num_nodes


@pytest.mark.parametrize("family", list(BUILD))
def test_every_family_can_be_designed_and_runs(small, family):
    architecture = BUILD[family]((4, 8), (1, 1), 3)
    assert architecture.family == family
    assert architecture.build(1, 4)(torch.rand(2, 1, 12, 12)).shape == (2, 4)


def test_only_cells_are_not_designed():
    assert set(FAMILIES) - set(BUILD) == {"cells"}


def test_channels_double_up_to_64(designer):
    assert designer.at("vgg", 3, 24, 1, 3).architecture.widths == (24, 48, 64)


def test_accuracy_with_predicted_numbers_is_that_of_the_scores(small, images, designer):
    made = designer.at(family="basic", **SIZES)
    scores = pretext_scores(small, {"one": made.architecture}, images, Rotation(zoom=(1, 1)))
    assert made.accuracy["predicted"] == pytest.approx(scores["one"]["accuracy"])


def test_random_numbers_are_drawn_five_times_and_averaged(designer):
    made = designer.at(family="vgg", **SIZES)
    assert len(made.draws) == 5
    assert made.accuracy["Kaiming"] == pytest.approx(np.mean(made.draws))


def test_the_sentence_says_both_shares(designer):
    made = designer.at(family="basic", **SIZES)
    assert f"{made.weights:,} numbers, none of them trained" in made.sentence
    assert f"{made.accuracy['predicted']:.0%} of the turns" in made.sentence
    assert "5 draws" in made.sentence


def test_the_answers_shown_are_those_of_the_first_pictures_in_four_turns(designer, images):
    shown = designer.at(family="basic", **SIZES).answers
    assert shown.turns.tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    for place, image in enumerate(shown.images):
        turned = np.rot90(images[place // 4] / 255, shown.turns[place])
        np.testing.assert_allclose(image, turned, atol=1e-6)


def test_a_network_that_knows_the_turns_is_found_out(designer, monkeypatch):
    def knows(net: object, inputs: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(designer._targets, 4)

    monkeypatch.setattr(
        "teachkit.hyperinit.meta_nets.MetaNet.__call__", lambda net, numbers, x: knows(net, x)
    )
    made = designer.at(family="vgg", **SIZES | {"width": 5})
    assert made.accuracy == {"predicted": 1.0, "Kaiming": 1.0}
    assert (made.answers.predicted == made.answers.turns).all()


def test_the_still_picture_shows_examples_and_the_last_network_asked_for(small, images):
    designer = small.design(images, ["vgg"])
    assert designer.alt.count("predicted 0.") == len(EXAMPLES)
    made = designer.at(family="vgg", **SIZES)
    assert designer.alt.count("vgg:") == len(EXAMPLES) + 1
    assert designer.picture is designer.picture
    assert made.name in designer.alt


def test_a_reader_chooses_and_presses_a_button(designer):
    box = designer.widget()
    lists, button, view = box.children
    first = view.value
    choices = {one.description: one for one in lists.children}
    choices["family"].value, choices["stages"].value, choices["width"].value = "vgg", 1, 8
    assert view.value == first
    button.click()
    assert "vgg: 1 stage, width 8" in view.value
    assert first != view.value


def test_names_and_sizes_that_make_no_network_are_refused(designer, small, images):
    with pytest.raises(UnknownNameError, match="mobile1"):
        designer.at(family="mobile1")
    with pytest.raises(UnknownNameError, match="cells"):
        small.design(images, ["cells"])
    with pytest.raises(SettingsError, match="no network"):
        designer.at(family="vgg", stages=0)
    with pytest.raises(SettingsError, match="odd kernels"):
        designer.at(family="vgg", stages=1, width=8, kernel=4)


@pytest.mark.parametrize("heads", [0, 32])
def test_another_task_than_turns_is_refused(images, heads):
    other = HyperInitializer(dim=8, max_channels=8, max_kernel=3)
    if heads:
        other.grow_head(heads)
    with pytest.raises(SettingsError, match="rotation"):
        other.design(images)
