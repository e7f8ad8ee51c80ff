"""Networks that answer in the unit of their labels."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from teachkit import training
from teachkit.data.splits import Info, Split
from teachkit.errors import FormatError
from teachkit.training.arms import check_fair
from teachkit.vision import Classifier


@pytest.fixture
def discs():
    """Sixty discs of different size; the label is their area in pixels."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:16, :16] - 7.5
    inside = np.stack([y**2 + x**2 <= radius**2 for radius in rng.uniform(2, 7, 60)])
    info = Info("discs", "Discs", "regression", (), None, "CC0-1.0", True, "", "made up", unit="px")
    images = (inside * 200 + rng.integers(0, 40, inside.shape)).astype(np.uint8)
    return Split(images, inside.sum((1, 2), dtype=np.float32)[:, None], info, "train", 16)


@pytest.fixture
def recipe(discs):
    small = Classifier("small_resnet", num_classes=1, weights=None, input_size=None, channels=1)
    return small.for_regression(discs)


def test_a_fresh_network_answers_near_the_mean_of_the_labels(recipe, discs):
    torch.manual_seed(0)
    found = training.predict(recipe(), discs)
    assert np.abs(found - discs.labels.mean()).max() < 3 * discs.labels.std()


def test_centre_and_scale_are_those_of_the_training_labels(recipe, discs):
    assert recipe.centre == pytest.approx((discs.labels.mean(),), rel=1e-6)
    assert recipe.scale == pytest.approx((discs.labels.std(),), rel=1e-6)


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss])
def test_any_loss_learns_an_area_in_pixels(recipe, discs, loss):
    torch.manual_seed(0)
    model = recipe()
    training.fit(model, discs, epochs=12, batch_size=16, lr=1e-2, schedule="cosine", loss=loss, device="cpu")
    mean_only = np.abs(discs.labels - discs.labels.mean()).mean()
    assert training.evaluate(model, discs)["mae"] < 0.5 * mean_only


def test_the_same_seed_gives_the_same_network_as_the_plain_recipe(recipe):
    torch.manual_seed(3)
    plain = recipe.recipe().state_dict()
    torch.manual_seed(3)
    wrapped = recipe().network.state_dict()
    assert all(torch.equal(value, wrapped[name]) for name, value in plain.items())


def test_a_frozen_body_is_used_as_before(discs):
    frozen = Classifier("efficientnet_lite0", num_classes=1, trainable="head", input_size=32)
    model = frozen.for_regression(discs)()
    before = {name: value.clone() for name, value in model.network.backbone.state_dict().items()}
    training.fit(model, discs[:16], steps=3, lr=1e-2, batch_size=8, device="cpu")
    after = model.network.backbone.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_two_losses_are_a_fair_comparison_and_two_recipes_are_not(recipe, discs):
    arms = {
        name: training.Arm(recipe, discs, test=discs, steps=2, loss=loss)
        for name, loss in (("squared", F.mse_loss), ("absolute", F.l1_loss))
    }
    check_fair(arms, "loss")
    other = Classifier("small_resnet", num_classes=1, weights=None, input_size=32, channels=1)
    arms["other"] = training.Arm(other.for_regression(discs), discs, test=discs, steps=2, loss=F.huber_loss)
    with pytest.raises(training.arms.UnfairComparisonError, match="recipe"):
        check_fair(arms, "loss")


def test_the_title_is_that_of_the_network(recipe):
    assert recipe.title == recipe.recipe.title


def test_a_set_of_classes_is_refused(discs):
    info = Info("toy", "Toy", "binary", ("no", "yes"), 1, "CC0-1.0", True, "", "made up")
    classes = discs.replace(info=info, labels=np.zeros((60, 1), np.int64))
    with pytest.raises(FormatError, match="is a binary set"):
        Classifier("small_resnet", num_classes=1, weights=None).for_regression(classes)


def test_equal_labels_leave_nothing_to_learn(discs, recipe):
    with pytest.raises(FormatError, match="all 5"):
        recipe.recipe.for_regression(discs.replace(labels=np.full((60, 1), 5, np.float32)))


def test_the_number_of_outputs_must_fit_the_labels(discs):
    with pytest.raises(FormatError, match="1 labels, the recipe 2"):
        Classifier("small_resnet", weights=None).for_regression(discs)
