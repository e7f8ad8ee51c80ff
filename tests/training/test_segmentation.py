"""Training for pixels: image and mask stay together, and what is not trained on stays as it is."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from teachkit import training, vision
from teachkit.data.splits import Split
from teachkit.errors import UnfairComparisonError
from teachkit.training import inference
from teachkit.training.batches import Batches

MakeSplit = Callable[..., Split]


class Pixelwise(nn.Module):
    """One number per class and pixel; remembers how many rows came at once."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 2, 1)
        self.rows: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        self.rows.append(len(images))
        return self.layer(images)


def test_image_and_mask_are_changed_by_one_draw(make_split: MakeSplit) -> None:
    split = make_split("segmentation")  # its masks are 1 where the image is above 90
    flips = vision.Augment(flip="both", rotate=0.0, shift=0.0, zoom=0.0, brightness=0.0, contrast=0.0)
    pairs: list[tuple[Tensor, Tensor]] = []

    def changed(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        pairs.append((images, masks))
        pairs.append(flips(images, masks))
        return pairs[-1]

    training.fit(Pixelwise(), split, epochs=2, batch_size=20, augment=changed, device="cpu")
    moved = sum(not torch.equal(a, c) for (a, _), (c, _) in zip(pairs[::2], pairs[1::2], strict=True))
    assert moved == len(pairs) // 2 == 6
    for images, masks in pairs:
        assert torch.equal((images[:, 0] * 255).round() > 90, masks == 1)


def test_validation_and_test_images_are_never_augmented(make_split: MakeSplit) -> None:
    train, val = make_split("segmentation"), make_split("segmentation", rows=25, split="val")
    seen = 0

    def count(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal seen
        seen += len(images)
        return images, masks

    net = Pixelwise()
    history = training.fit(net, train, val, epochs=2, batch_size=20, augment=count, device="cpu")
    assert seen == 2 * len(train)
    assert history.epochs[-1]["val_dice"] == training.evaluate(net, val, device="cpu")["dice"]


def test_two_passes_over_a_split_give_identical_tensors(make_split: MakeSplit) -> None:
    batches = Batches.of(make_split("segmentation", split="test"), torch.device("cpu"))
    for (a, b), (c, d) in zip(batches.in_order(16), batches.in_order(16), strict=True):
        assert torch.equal(a, c)
        assert torch.equal(b, d)


def test_large_masks_are_predicted_few_at_a_time(
    make_split: MakeSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    split, net = make_split("segmentation"), Pixelwise()
    whole = training.predict(net, split, device="cpu")
    assert max(net.rows) == 60
    net.rows.clear()
    monkeypatch.setattr(inference, "PIXELS_AT_ONCE", 7 * 8 * 8 + 5)
    parts = training.predict(net, split, device="cpu")
    assert max(net.rows) == 7
    np.testing.assert_allclose(parts, whole, atol=1e-6)


def test_only_answers_per_pixel_are_predicted_few_at_a_time(
    make_split: MakeSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "PIXELS_AT_ONCE", 1)
    device = torch.device("cpu")
    binary, masks = (Batches.of(make_split(task), device) for task in ("binary", "segmentation"))
    assert inference.rows_at_once(binary, "binary", 256) == 256
    assert inference.rows_at_once(masks, "segmentation", 256) == 1


def test_a_per_pixel_loss_is_the_mean_over_pixels(make_split: MakeSplit) -> None:
    split, net = make_split("segmentation", split="val"), Pixelwise()
    batches = Batches.of(split, torch.device("cpu"))
    found = inference.score_split(net, batches, "segmentation", F.cross_entropy, 25)
    images, masks = batches.gather(np.arange(60))
    assert found is not None
    torch.testing.assert_close(
        found["loss"], float(F.cross_entropy(net(images), masks).detach()), rtol=1e-5, atol=1e-7
    )


def test_arms_of_a_u_net_are_compared_by_depth_and_found_again_in_the_cache(
    make_split: MakeSplit, tmp_path: Path
) -> None:
    recipe = partial(vision.UNet, 1, 2, base_width=2)
    arms = {
        f"depth {depth}": training.Arm(
            partial(recipe, depth=depth),
            make_split("segmentation"),
            test=make_split("segmentation", split="test", rows=12),
            steps=3,
            loss=training.PixelLoss("dice"),
            device="cpu",
        )
        for depth in (1, 2)
    }
    first = training.compare(arms, seeds=[0, 1], factor="depth", cache=tmp_path)
    written = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = training.compare(arms, seeds=[0, 1], factor="depth", cache=tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written
    assert again.scores.equals(first.scores)
    assert isinstance(again.model("depth 2"), vision.UNet)
    with pytest.raises(UnfairComparisonError, match="'depth' differs"):
        training.compare(arms, seeds=[0], factor="lr")
