"""Batches hold the pixels of their rows, wherever the pixels live."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from teachkit import training
from teachkit.data.splits import Split
from teachkit.errors import FormatError
from teachkit.training.batches import Batches
from teachkit.training.plan import Plan
from teachkit.training.seeds import seeded

MakeSplit = Callable[..., Split]
CPU = torch.device("cpu")


def mapped(split: Split, folder: Path) -> Split:
    """The same split with its images mapped from a file."""
    np.save(folder / "images.npy", split.images)
    return split.replace(images=np.load(folder / "images.npy", mmap_mode="r"))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("on_disk", [False, True])
def test_a_batch_holds_its_rows_with_channels_first_in_zero_to_one(
    make_split: MakeSplit, tmp_path: Path, channels: int, on_disk: bool
) -> None:
    split = make_split(channels=channels)
    batches = Batches.of(mapped(split, tmp_path) if on_disk else split, CPU)
    rows = np.array([7, 3, 3, 59])
    images, targets = batches.gather(rows)
    expected = split.images[rows].reshape(4, 8, 8, channels).transpose(0, 3, 1, 2) / np.float32(255)
    np.testing.assert_array_equal(images.numpy(), expected)
    assert images.dtype == torch.float32
    assert targets.tolist() == split.labels[rows, 0].tolist()


def test_images_stay_bytes_on_the_device_and_mapped_ones_on_disk(
    make_split: MakeSplit, tmp_path: Path
) -> None:
    split = make_split()
    assert Batches.of(split, CPU).inputs.dtype == torch.uint8
    assert isinstance(Batches.of(mapped(split, tmp_path), CPU).inputs, np.memmap)


def test_training_from_disk_equals_training_from_memory(
    make_split: MakeSplit, small_net: Callable[..., nn.Module], tmp_path: Path
) -> None:
    split, nets = make_split(), [small_net(), small_net()]
    for net, source in zip(nets, (split, mapped(split, tmp_path)), strict=True):
        training.fit(net, source, epochs=2, batch_size=20, device="cpu")
    pairs = zip(nets[0].parameters(), nets[1].parameters(), strict=True)
    assert all(torch.equal(first, second) for first, second in pairs)


def test_sixteen_bit_masks_are_read(make_split: MakeSplit) -> None:
    split = make_split("segmentation")
    wide = split.replace(masks=split.masks.astype(np.uint16))
    _, targets = Batches.of(wide, CPU).gather(np.arange(5))
    assert targets.dtype == torch.int64
    np.testing.assert_array_equal(targets.numpy(), split.masks[:5])


def test_masks_of_single_objects_are_no_classes(make_split: MakeSplit) -> None:
    split = make_split("segmentation")
    numbered = split.replace(info=replace(split.info, instances=True))
    with pytest.raises(FormatError, match=r"number single objects.*split\.semantic\(\)"):
        Batches.of(numbered, torch.device("cpu"))
    assert Batches.of(numbered.semantic(), torch.device("cpu")).targets.max() == 1


@pytest.mark.parametrize("rows", [1, 2, 19, 20, 21, 22, 40, 41, 99])
@pytest.mark.parametrize("batch_size", [1, 2, 20, 200])
@pytest.mark.parametrize("world", [1, 2])
def test_every_pass_visits_every_row_once_and_no_process_gets_a_single_row(
    rows: int, batch_size: int, world: int
) -> None:
    if min(rows, batch_size) < world:
        return
    plan = Plan(rows, 2, None, "sgd", 0.1, batch_size, seed=4, world=world)
    for epoch in range(2):
        batches = plan.batches(epoch)
        assert sorted(np.concatenate(batches)) == list(range(rows))
        assert len(batches) == plan.steps_per_epoch
        assert all(len(batch) >= min(2 * world, batch_size, rows) for batch in batches)
    assert plan.total_steps == 2 * plan.steps_per_epoch


def test_the_data_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int, **changes: object) -> list[int]:
        asked = {"optimizer": "sgd", "lr": 0.1, "batch_size": 8} | changes
        return np.concatenate(Plan(50, 3, None, seed=seed, **asked).batches(epoch)).tolist()

    torch.manual_seed(1)
    first = order(0, 1)
    torch.manual_seed(2)
    assert order(0, 1, optimizer="adamw", lr=1.0, batch_size=16) == first
    assert order(0, 2) != first
    assert order(1, 1) != first


def test_seeding_reaches_python_numpy_and_torch_and_ends_with_its_block() -> None:
    import random

    def draw() -> tuple[float, float, float]:
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    before = draw()
    with seeded(5):
        first = draw()
    with seeded(5):
        second = draw()
    with seeded(6):
        third = draw()
    assert first == second
    assert all(a != b for a, b in zip(first, third, strict=True))
    assert all(a != b for a, b in zip(before, draw(), strict=True))
