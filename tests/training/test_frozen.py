"""Features computed once give what running the body every time gives, and the body never moves."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from teachkit import training
from teachkit.data.splits import Split
from teachkit.errors import TrainingError

MakeSplit = Callable[..., Split]
MakeNet = Callable[[], nn.Module]


def slow_path(images: Tensor) -> Tensor:
    """An augmentation that changes nothing, so that fit must run the body on every batch."""
    return images


def test_features_computed_once_equal_the_slow_path(make_split: MakeSplit, frozen_net: MakeNet) -> None:
    fast, slow = frozen_net(), frozen_net()
    settings = {"epochs": 5, "batch_size": 20, "lr": 1e-2, "schedule": "cosine", "device": "cpu"}
    quick = training.fit(fast, make_split(), make_split(split="val"), **settings)
    full = training.fit(slow, make_split(), make_split(split="val"), augment=slow_path, **settings)
    for ours, theirs in zip(quick.epochs, full.epochs, strict=True):
        keys = ours.keys() - {"seconds"}
        assert {k: ours[k] for k in keys} == pytest.approx({k: theirs[k] for k in keys}, abs=1e-5)
    torch.testing.assert_close(fast.head.weight, slow.head.weight, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("augment", [None, slow_path])
def test_the_frozen_body_is_bit_identical_afterwards_buffers_included(
    make_split: MakeSplit, frozen_net: MakeNet, augment: Callable[[Tensor], Tensor] | None
) -> None:
    net, untouched = frozen_net(), frozen_net()
    training.fit(net, make_split(), epochs=3, lr=1e-2, augment=augment, device="cpu")
    kept = dict(net.named_buffers()) | dict(net.named_parameters())
    for name, value in (dict(untouched.named_buffers()) | dict(untouched.named_parameters())).items():
        assert torch.equal(kept[name], value) == (not name.startswith("head")), name


def test_the_body_runs_once_per_image_and_not_once_per_epoch(
    make_split: MakeSplit, frozen_net: MakeNet
) -> None:
    net, seen = frozen_net(), []
    net.body.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
    training.fit(net, make_split(), epochs=8, device="cpu")
    assert sum(seen) < 2 * 60


def test_a_body_that_is_not_all_before_the_head_is_refused(
    make_split: MakeSplit, frozen_net: MakeNet
) -> None:
    net = frozen_net()
    net.forward = lambda images: net.head(net.body(images).relu() + 1)  # type: ignore[method-assign]
    with pytest.raises(TrainingError, match=r"head\(frozen_body\(x\)\) differs"):
        training.fit(net, make_split(), epochs=1, device="cpu")


def test_a_checkpoint_of_a_frozen_model_resumes(
    make_split: MakeSplit, frozen_net: MakeNet, tmp_path: object
) -> None:
    first, second = frozen_net(), frozen_net()
    settings = {"epochs": 2, "checkpoint": f"{tmp_path}/run.pt", "device": "cpu"}
    training.fit(first, make_split(), **settings)
    training.fit(second, make_split(), **settings)
    assert torch.equal(first.head.weight, second.head.weight)
