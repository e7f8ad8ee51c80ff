"""Five starts of one network, compared: paired, chosen on validation only, and said with intervals."""

import numpy as np
import pytest
import torch
from torch import nn

from teachkit import data
from teachkit.errors import FormatError, SettingsError, TrainingError, UnknownNameError
from teachkit.hyperinit import HyperInitializer, references
from teachkit.hyperinit.architectures import Basic
from teachkit.hyperinit.comparing import ARMS
from teachkit.hyperinit.downstream import draw_sample, tune
from teachkit.hyperinit.starting import body_of, last_layer
from teachkit.hyperinit.starts import PAIRS
from teachkit.metrics import paired_difference, t_interval

SMALL = Basic((4, 8), (1, 1), 3, 3, 1, "none")
HOW = {"labels": 5, "epochs": (1, 3), "rates": (0.05, 0.2), "seeds": 2, "own_steps": 2, "batch_size": 4}


@pytest.fixture(scope="module")
def initializer():
    return HyperInitializer(dim=8, max_channels=8, max_kernel=3, seed=5)


@pytest.fixture(scope="module")
def splits(toy):
    return toy("train"), toy("val"), toy("test", n=60)


@pytest.fixture(scope="module")
def starts(initializer, splits):
    return initializer.compare(SMALL, *splits, first_seed=3, **HOW)


def test_all_five_arms_have_a_network_for_each_seed(starts):
    assert starts.arms == ARMS
    assert starts.setup.seeds == (3, 4)
    assert [len(networks) for networks in starts.networks.values()] == [2] * 5


def test_within_a_seed_the_last_layer_is_the_same_and_between_seeds_it_is_not(starts):
    weights = {arm: [last_layer(network).weight for network in nets] for arm, nets in starts.networks.items()}
    for arm in ARMS[1:]:
        assert all(torch.equal(*pair) for pair in zip(weights[arm], weights["Kaiming"], strict=True))
    assert not torch.equal(*weights["Kaiming"])


def test_trained_is_one_draw_and_untrained_is_another_one_for_each_seed(starts):
    def bodies(arm):
        return [next(iter(body_of(network).values())) for network in starts.networks[arm]]

    assert torch.equal(*bodies("trained"))
    for arm in ("Kaiming", "untrained", "shuffled", "self-supervised"):
        assert not torch.equal(*bodies(arm))


def test_trained_weights_are_those_of_the_hyper_initializer(starts, initializer, splits):
    network = SMALL.build(1, 2, running_statistics=True)
    initializer.initialize(network)
    found = body_of(starts.networks["trained"][0])
    assert all(torch.equal(tensor, found[name]) for name, tensor in body_of(network).items())


def test_the_published_rate_is_always_tried_and_each_arm_has_the_best_on_validation(starts):
    assert list(starts.by_rate.index) == [0.01, 0.05, 0.2]
    assert list(starts.by_rate.columns) == list(ARMS)
    for arm in ARMS:
        assert starts.by_rate.loc[starts.rates[arm], arm] == starts.by_rate[arm].max()


def test_the_mean_by_rate_is_that_of_validation_images_after_the_last_epoch(starts, splits):
    train, val, _ = splits
    found = [
        tune(network, draw_sample(train, 5, seed), {"val": val}, lr=0.2, epochs=(3,), seed=seed, batch_size=4)
        for seed, network in zip((3, 4), starts.networks["trained"], strict=True)
    ]
    expected = np.mean([each["val"][3]["auc"] for each in found])
    assert starts.by_rate.loc[0.2, "trained"] == pytest.approx(expected, abs=1e-12)


def test_rates_do_not_follow_from_test_images(initializer, splits):
    train, val, test = splits
    upside_down = test.replace(labels=1 - test.labels)
    found = [
        initializer.compare(SMALL, train, val, shown, arms=("Kaiming",), **HOW)
        for shown in (test, upside_down)
    ]
    assert found[0].rates == found[1].rates
    assert found[0].by_rate.equals(found[1].by_rate)
    flipped = 1 - found[1].values("Kaiming", "tuned")
    assert flipped == pytest.approx(found[0].values("Kaiming", "tuned"))


def test_values_are_one_a_seed_for_both_ways_epochs_and_the_published_rate(starts):
    for arm in ARMS:
        assert starts.values(arm, "probe").shape == (2,)
        assert np.array_equal(starts.values(arm, "tuned"), starts.values(arm, "tuned", 3))
        assert starts.values(arm, "tuned", 1, rate=0.01).shape == (2,)
    with pytest.raises(SettingsError, match="after epoch 2"):
        starts.values("Kaiming", "tuned", 2)
    with pytest.raises(UnknownNameError, match="trained"):
        starts.values("trianed", "tuned")
    with pytest.raises(UnknownNameError, match="probe"):
        starts.values("trained", "prob")


@pytest.mark.parametrize("way", ["probe", "tuned"])
def test_differences_are_paired_over_seeds(starts, way):
    for a, b in PAIRS:
        expected = paired_difference(starts.values(a, way), starts.values(b, way))
        assert starts.difference(a, b, way) == expected
    assert starts.interval("trained", way) == t_interval(starts.values("trained", way))


def test_the_sentence_says_every_mean_and_whether_zero_is_inside(starts):
    for arm in ARMS:
        assert f"{arm} {starts.interval(arm, 'tuned').value:.3f}" in starts.sentence
    outside = starts.difference("trained", "Kaiming", "tuned").excludes_zero
    assert ("zero is outside" in starts.sentence) == outside
    assert ("zero is inside" in starts.sentence) != outside


def test_the_caption_says_that_the_trained_weights_are_one_draw(starts):
    for picture in (starts.plot(), starts.plot_differences()):
        assert "are one pre-training" in picture.alt
        assert "Toy, 12×12, test (n = 60), basic" in picture.alt


def test_costs_are_seconds_for_one_network(starts):
    assert 0 < starts.costs.predict_seconds < 5
    assert 0 < starts.costs.own_seconds < 5


def test_numbers_of_labels_are_compared_at_the_rate_of_each_arm(starts, splits):
    train, _, test = splits
    found = starts.by_labels([8, 5])
    assert found.counts == (5, 8)
    assert np.array_equal(found.values["trained"][:, 0], starts.values("trained", "tuned"))
    expected = tune(
        starts.networks["shuffled"][1], draw_sample(train, 8, 4), {"test": test},
        lr=starts.rates["shuffled"], epochs=(3,), seed=4, batch_size=4,
    )["test"][3]["auc"]  # fmt: skip
    assert found.values["shuffled"][1, 1] == expected
    gaps = found.differences("trained", "Kaiming")
    assert gaps[0] == pytest.approx(starts.difference("trained", "Kaiming", "tuned").value)
    assert found.interval("trained", "Kaiming", 8).value == pytest.approx(gaps[1])
    assert "AUC for 5, 8 labels a class" in found.plot().alt


@pytest.mark.slow
def test_two_processes_give_the_same_numbers_as_one(starts, initializer, splits):
    arms = ("Kaiming", "trained")
    again = initializer.compare(SMALL, *splits, first_seed=3, jobs=2, **HOW, arms=arms)
    assert again.by_rate.equals(starts.by_rate[list(arms)])
    for arm in arms:
        assert np.array_equal(again.values(arm, "probe"), starts.values(arm, "probe"))
        assert np.array_equal(again.values(arm, "tuned"), starts.values(arm, "tuned"))


def test_some_arms_alone_and_few_images_for_a_quick_try(initializer, splits):
    found = initializer.compare(SMALL, *splits, arms=("Kaiming", "trained"), limit=10, **HOW)
    assert found.arms == ("Kaiming", "trained")
    assert len(found.setup.test) == len(found.setup.val) == 10
    assert found.pairs == (("trained", "Kaiming"),)
    assert np.isnan(found.costs.own_seconds)
    with pytest.raises(SettingsError, match="Nothing to compare"):
        initializer.compare(SMALL, *splits, arms=("Kaiming",), limit=10, **HOW).plot_differences()


def test_an_arm_that_breaks_at_every_rate_is_named(initializer, splits):
    train, val, test = splits
    how = HOW | {"rates": (1e30,), "arms": ("Kaiming",)}
    found = initializer.compare(SMALL, train, val, test, **how)
    assert found.rates == {"Kaiming": 0.01}  # the other one broke
    broken = train.replace(images=train.images.astype(np.float32) * np.nan)
    with pytest.raises((TrainingError, FormatError)):
        initializer.compare(SMALL, broken, val, test, **how)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"arms": ("Kaimin",)}, "Kaiming"), ({"seeds": 0}, "Give an arm"), ({"epochs": ()}, "Give an arm"),
     ({"rates": (-1.0,)}, "rates above 0")],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(initializer, splits, wrong, said):
    with pytest.raises(SettingsError, match=said):
        initializer.compare(SMALL, *splits, **(HOW | wrong))


def test_a_module_is_no_architecture(initializer, splits):
    with pytest.raises(SettingsError, match="no architecture with a body and a last layer"):
        initializer.compare(nn.Linear(2, 2), *splits, **HOW)


def test_too_many_labels_are_refused_before_anything_runs(initializer, splits, starts):
    with pytest.raises(FormatError, match="20 of 'dark'"):
        initializer.compare(SMALL, *splits, **(HOW | {"labels": 21}))
    with pytest.raises(FormatError, match="20 of 'dark'"):
        starts.by_labels([5, 21])


def test_other_tasks_are_refused(initializer):
    nuclei = data.load("ihc_masks", "train")
    with pytest.raises(FormatError, match="for segmentation"):
        initializer.compare(SMALL, nuclei, nuclei, nuclei, **HOW)


def test_a_reference_is_called_by_its_name(initializer, splits):
    found = initializer.compare(
        references()["resnet8"], *splits, arms=("Kaiming",), limit=4, **(HOW | {"rates": (0.01,), "seeds": 1})
    )
    assert found.setup.name == "resnet8"
    assert "One seed" not in found.sentence
