"""Features are computed once, read back bit by bit, and computed again when their file has changed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from teachkit.data import Split
from teachkit.errors import TeachkitWarning
from teachkit.mmpt import features as module
from teachkit.mmpt.features import Body


@pytest.fixture
def split(made: Callable[..., Split]) -> Split:
    return made("multi-class", 12, channels=3)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the bodies that were built."""
    built: list[str] = []
    real = module.make_backbone

    def make(which, **settings):
        built.append(which)
        return real(which, **settings)

    monkeypatch.setattr(module, "make_backbone", make)
    return built


def test_features_are_those_of_timm_with_the_same_numbers(split: Split, tmp_path: Path):
    body = timm.create_model("test_resnet", pretrained=False).eval()
    torch.save(body.state_dict(), tmp_path / "weights.pth")
    found = Body("test_resnet", str(tmp_path / "weights.pth"), canvas=32).features(split, folder=tmp_path)
    mean, std = (torch.tensor(body.pretrained_cfg[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    images = torch.from_numpy(split.images).permute(0, 3, 1, 2) / 255
    padded = torch.nn.functional.pad((images - mean) / std, (10, 10, 10, 10))
    with torch.no_grad():
        expected = body.forward_head(body.forward_features(padded), pre_logits=True)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-5)


def test_a_second_call_builds_no_body_and_gives_the_same_bits(
    split: Split, counted: list[str], tmp_path: Path
):
    body = Body("test_resnet", seed=3)
    first, second = body.features(split, folder=tmp_path), body.features(split, folder=tmp_path)
    assert counted == ["test_resnet"]
    assert np.array_equal(first, second)
    assert first.dtype == np.float32


def test_other_numbers_pictures_or_canvas_are_other_features(
    split: Split, counted: list[str], tmp_path: Path
):
    one = Body("test_resnet", seed=3).features(split, folder=tmp_path)
    assert not np.array_equal(one, Body("test_resnet", seed=4).features(split, folder=tmp_path))
    assert not np.array_equal(one, Body("test_resnet", canvas=24, seed=3).features(split, folder=tmp_path))
    assert len(Body("test_resnet", seed=3).features(split[:5], folder=tmp_path)) == 5
    assert len(counted) == 4


@pytest.mark.parametrize("damage", ["one byte", "half", "gone", "record"])
def test_damaged_features_are_said_and_computed_again(
    damage: str, split: Split, counted: list[str], isolated: Path, tmp_path: Path
):
    body = Body("test_resnet")
    first = body.features(split)
    numbers = next((isolated / "features").glob("*.npy"))
    content = bytearray(numbers.read_bytes())
    if damage == "one byte":
        content[-1] ^= 1
        numbers.write_bytes(content)
    elif damage == "half":
        numbers.write_bytes(content[: len(content) // 2])
    elif damage == "gone":
        numbers.unlink()
    else:
        numbers.with_suffix(".json").write_text("{")
    with pytest.warns(TeachkitWarning, match="damaged"):
        assert np.array_equal(first, body.features(split))
    assert np.array_equal(first, body.features(split))
    assert len(counted) == 2


def test_a_run_that_stopped_before_the_record_begins_anew(split: Split, counted: list[str], tmp_path: Path):
    body = Body("test_resnet")
    body.features(split, folder=tmp_path)
    next(tmp_path.glob("*.json")).unlink()
    body.features(split, folder=tmp_path)
    assert len(counted) == 2
    assert not list(tmp_path.glob(".*npy*"))


def test_a_body_frozen_as_published_still_moves_and_ours_does_not(split: Split, tmp_path: Path):
    published = timm.create_model("test_resnet", pretrained=False, num_classes=3).requires_grad_(False)
    before = published.bn1.running_mean.clone()
    published.train()(torch.from_numpy(split.images).permute(0, 3, 1, 2) / 255)
    assert not torch.equal(before, published.bn1.running_mean)
    # In evaluation mode a row does not know which others are there, nor what came before.
    body = Body("test_resnet")
    alone = body.features(split[:5], folder=tmp_path)
    np.testing.assert_allclose(alone, body.features(split, folder=tmp_path)[:5], atol=1e-6)
