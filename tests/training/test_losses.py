"""Losses for masks: equal to torch where torch has them, and to a definition one can read."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from teachkit import metrics, training
from teachkit.data.splits import Split
from teachkit.errors import FormatError, SettingsError, UnknownNameError
from teachkit.training import PixelLoss
from teachkit.training.losses import KINDS

MakeSplit = Callable[..., Split]
WEIGHTS = (0.5, 1.0, 2.0, 9.0)


def batch(seed: int = 0, classes: int = 4) -> tuple[Tensor, Tensor]:
    """Outputs [2, 4, 5, 7] and masks [2, 5, 7]."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.randint(0, classes, (2, 5, 7), generator=generator)
    return 2 * torch.randn(2, 4, 5, 7, generator=generator), masks


def test_cross_entropy_is_torchs_own_with_and_without_weights() -> None:
    outputs, masks = batch()
    torch.testing.assert_close(PixelLoss()(outputs, masks), F.cross_entropy(outputs, masks))
    weighted = F.cross_entropy(outputs, masks, weight=torch.tensor(WEIGHTS))
    torch.testing.assert_close(PixelLoss(class_weights=WEIGHTS)(outputs, masks), weighted)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_focal_loss_with_gamma_zero_is_cross_entropy(weights: tuple[float, ...] | None) -> None:
    outputs, masks = batch()
    plain = PixelLoss(class_weights=weights)
    torch.testing.assert_close(PixelLoss("focal", weights, gamma=0.0)(outputs, masks), plain(outputs, masks))


def test_a_larger_gamma_counts_sure_pixels_less() -> None:
    outputs, masks = batch()
    losses = [float(PixelLoss("focal", gamma=gamma)(outputs, masks)) for gamma in (0.0, 1.0, 2.0, 5.0)]
    assert losses == sorted(losses, reverse=True)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(KINDS),
    st.sampled_from([None, WEIGHTS]),
    st.integers(0, 10_000),
    st.integers(1, 4),
    st.sampled_from([0.5, 1.0, 2.0]),
)
def test_every_loss_equals_its_definition_pixel_by_pixel(
    kind: str, weights: tuple[float, ...] | None, seed: int, classes: int, gamma: float
) -> None:
    loss, (outputs, masks) = PixelLoss(kind, weights, gamma), batch(seed, classes)
    assert float(loss(outputs, masks)) == pytest.approx(loss.by_hand(outputs, masks), rel=1e-4, abs=1e-6)


def test_dice_of_sure_answers_is_the_score_of_the_same_name() -> None:
    outputs, masks = batch()
    guess = outputs.argmax(1)
    sure = 200.0 * F.one_hot(guess, 4).permute(0, 3, 1, 2)
    expected = metrics.dice(masks.numpy(), guess.numpy(), 4).mean()
    assert 1 - float(PixelLoss("dice")(sure, masks)) == pytest.approx(expected, abs=1e-5)


def test_dice_is_zero_for_a_perfect_answer_and_one_for_a_wrong_one() -> None:
    masks = torch.tensor([[[0, 1], [1, 0]]])
    right = 100.0 * F.one_hot(masks, 2).permute(0, 3, 1, 2)
    assert float(PixelLoss("dice")(right, masks)) == pytest.approx(0, abs=1e-6)
    assert float(PixelLoss("dice")(-right, masks)) == pytest.approx(1, abs=1e-6)


def test_a_class_without_pixels_is_left_out_of_dice() -> None:
    outputs, masks = batch(classes=2)  # classes 2 and 3 have none
    loss = PixelLoss("dice")
    overlaps = [1 - PixelLoss("dice", tuple(float(i == k) for i in range(4)))(outputs, masks) for k in (0, 1)]
    assert float(loss(outputs, masks)) == pytest.approx(1 - float(sum(overlaps)) / 2, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_gradients_are_finite_even_where_the_answer_is_certain_or_a_class_is_empty(
    kind: str, scale: float
) -> None:
    outputs, _ = batch()
    outputs = (scale * outputs).requires_grad_()
    PixelLoss(kind, gamma=0.5)(outputs, torch.zeros(2, 5, 7, dtype=torch.long)).backward()
    assert bool(torch.isfinite(outputs.grad).all())


def test_weights_are_inverse_to_the_shares_with_mean_one() -> None:
    loss = PixelLoss.weighted({"background": 0.8, "hair": 0.2})
    assert loss.class_weights == pytest.approx((0.4, 1.6))
    assert PixelLoss.weighted([0.8, 0.2]) == loss
    assert PixelLoss.weighted([0.5, 0.5], kind="focal", gamma=1.0) == PixelLoss("focal", (1.0, 1.0), 1.0)


def test_weights_make_every_class_count_alike() -> None:
    masks = torch.tensor([[[0, 0, 0, 1]]])
    outputs = torch.randn(1, 2, 1, 4)
    each = F.cross_entropy(outputs, masks, reduction="none")[0, 0]
    expected = (each[:3].mean() + each[3]) / 2
    torch.testing.assert_close(PixelLoss.weighted([0.75, 0.25])(outputs, masks), expected)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="dice"):
        PixelLoss("dise")
    with pytest.raises(SettingsError, match="gamma is -1"):
        PixelLoss("focal", gamma=-1.0)
    for weights in ((-1.0, 1.0), (0.0, 0.0), (float("nan"), 1.0)):
        with pytest.raises(SettingsError, match="class weights"):
            PixelLoss(class_weights=weights)
    with pytest.raises(SettingsError, match="leave out one that has none"):
        PixelLoss.weighted([1.0, 0.0])
    with pytest.raises(FormatError, match="2 class weights for 4 classes"):
        PixelLoss(class_weights=(1.0, 1.0))(*batch())
    with pytest.raises(FrozenInstanceError):
        PixelLoss().gamma = 1  # type: ignore[misc]


def test_arms_may_differ_in_their_loss_and_in_nothing_else(make_split: MakeSplit) -> None:
    arm = training.Arm(
        Pixelwise, make_split("segmentation"), test=make_split("segmentation"), steps=2, device="cpu"
    )
    arms = {kind: replace(arm, loss=PixelLoss(kind)) for kind in ("cross-entropy", "dice")}
    found = training.compare(arms, seeds=[0], factor="loss")
    assert set(found.metrics) == {"acc", "dice", "iou"}
    first, second = (found.model(kind).state_dict()["0.weight"] for kind in arms)
    assert not torch.equal(first, second)


class Pixelwise(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(1, 2, 1))
