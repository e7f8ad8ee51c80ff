"""What a model sees in training must be what it sees in the test, unless that is the question."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from teachkit import vision
from teachkit.data.splits import Split
from teachkit.errors import UnfairComparisonError
from teachkit.training import Arm
from teachkit.training.arms import check_fair
from teachkit.training.batches import Batches

MakeSplit = Callable[..., Split]
LARGE = vision.Augment(size=16)
MIXED = vision.Augment(size=16, share=0.5, per="batch")


def any_size() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 2))


def make_arm(make_split: MakeSplit, task: str = "binary", **changes: object) -> Arm:
    train, val, test = (make_split(task, split=split, rows=40) for split in ("train", "val", "test"))
    return replace(Arm(any_size, train, val, test, steps=4, batch_size=20, device="cpu"), **changes)


@pytest.fixture
def arm(make_split: MakeSplit) -> Arm:
    return make_arm(make_split)


def test_an_arm_knows_what_its_model_sees_after_augmentation(arm: Arm) -> None:
    assert arm.trained_shape == "8×8"
    assert replace(arm, augment=vision.Augment()).trained_shape == "8×8"
    assert replace(arm, augment=LARGE).trained_shape == "16×16"
    assert replace(arm, augment=MIXED).trained_shape == "8×8 and 16×16"
    assert replace(arm, augment=lambda images: images[:, :, ::2]).trained_shape == "4×8"


def test_colour_masks_and_tables_are_described_in_the_same_words_as_the_test(make_split: MakeSplit) -> None:
    colour = make_arm(make_split)
    colour = replace(colour, train=make_split(channels=3), augment=vision.Augment())
    assert colour.trained_shape == "8×8×3"
    paired = make_arm(make_split, "segmentation", augment=vision.Augment())
    assert paired.trained_shape == "8×8"


def test_asking_for_the_shape_leaves_the_random_numbers_where_they_are(arm: Arm) -> None:
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    assert replace(arm, augment=MIXED).trained_shape
    assert torch.equal(torch.rand(2), expected)


def test_equal_arms_of_the_augmentation_lesson_pass(arm: Arm) -> None:
    arms = {
        "plain": arm,
        "augmented": replace(arm, augment=vision.Augment()),
        "mixed": replace(arm, augment=vision.Augment(share=0.5)),
    }
    check_fair(arms, "augment")
    settings = [given.settings() for given in arms.values()]
    for derived in ("optimiser_steps", "input_shape", "trained_shape"):
        assert len({str(given[derived]) for given in settings}) == 1


@pytest.mark.parametrize(
    ("augment", "seen"), [(LARGE, "16×16"), (MIXED, "8×8 and 16×16")], ids=["augmented", "mixed"]
)
def test_published_arms_trained_at_another_size_are_refused_unless_it_is_named(
    arm: Arm, augment: vision.Augment, seen: str
) -> None:
    arms = {"plain": arm, "published": replace(arm, augment=augment)}
    with pytest.raises(
        UnfairComparisonError, match=f"'published' learns from {seen}.* tested on 8×8"
    ) as caught:
        check_fair(arms, "augment")
    assert caught.value.field == "trained_shape"
    check_fair(arms, ("augment", "trained_shape"))


def test_two_arms_at_another_size_than_the_test_are_refused_although_they_agree(arm: Arm) -> None:
    large = replace(arm, augment=LARGE)
    with pytest.raises(UnfairComparisonError, match="'a' learns from 16×16, but is tested on 8×8"):
        check_fair({"a": large, "b": replace(large, lr=0.1)}, "lr")


def test_twice_the_steps_of_the_published_mixture_are_refused_unless_named(arm: Arm) -> None:
    arms = {"plain": arm, "mixed": replace(arm, augment=vision.Augment(share=0.5), steps=8)}
    with pytest.raises(UnfairComparisonError, match="'steps' differs: 4 in arm 'plain', 8 in arm 'mixed'"):
        check_fair(arms, "augment")
    check_fair(arms, ("augment", "steps"))


@pytest.mark.parametrize("split", ["val", "test"])
def test_two_passes_over_validation_and_test_give_identical_tensors(arm: Arm, split: str) -> None:
    batches = Batches.of(getattr(replace(arm, augment=LARGE), split), torch.device("cpu"))
    first, second = ([inputs for inputs, _ in batches.in_order(16)] for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    np.testing.assert_array_equal(
        (torch.cat(first) * 255).round().numpy()[:, 0], getattr(arm, split).images.astype(np.float32)
    )


def test_validation_scores_do_not_depend_on_the_augmentation_of_the_training_images(arm: Arm) -> None:
    from teachkit import training

    seen: list[tuple[int, ...]] = []

    class Watching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = any_size()

        def forward(self, x: Tensor) -> Tensor:
            if not self.training:
                seen.append(tuple(x.shape[2:]))
            return self.net(x)

    training.fit(Watching(), arm.train, arm.val, steps=2, batch_size=20, augment=LARGE, device="cpu")
    assert set(seen) == {(8, 8)}
