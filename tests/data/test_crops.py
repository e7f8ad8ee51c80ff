"""Crops: image and mask from one place, every pixel covered, places decided by the seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachkit.data import Info, Split
from teachkit.errors import SettingsError

INFO = Info("made", "Made", "segmentation", ("a", "b"), None, "CC0", True, "", "a test")


def split_of(*shapes: tuple[int, int], **fields: object) -> Split:
    """Pictures whose masks number their pixels, and whose two first channels are that number's digits."""
    masks = [np.arange(h * w).reshape(h, w) for h, w in shapes]
    images = [np.stack([m // 256, m % 256, 0 * m], axis=-1).astype(np.uint8) for m in masks]
    return Split(images, np.zeros((len(shapes), 0), int), INFO, "test", None, masks=masks, **fields)  # type: ignore[arg-type]


def assert_image_and_mask_agree(split: Split) -> None:
    images = np.asarray(split.images).astype(int)
    assert np.array_equal(images[..., 0] * 256 + images[..., 1], split.masks)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 16))
@settings(deadline=None, max_examples=60)
def test_the_grid_covers_every_pixel_with_the_fewest_crops(height: int, width: int, size: int) -> None:
    crops = split_of((height, width)).crops(size)
    assert np.asarray(crops.masks).shape == (-(-height // size) * -(-width // size), size, size)
    assert len(np.unique(crops.masks)) == height * width
    assert_image_and_mask_agree(crops)


def test_crops_know_their_picture_and_place() -> None:
    crops = split_of((10, 20), (10, 10)).crops(10)
    assert crops.table is not None
    assert crops.table.to_numpy().tolist() == [[0, 0, 0], [0, 0, 10], [1, 0, 0]]
    assert crops.groups is not None
    assert crops.groups.tolist() == [0, 0, 1]
    assert crops.title == "Made, 10×10, test (n = 3; crops of 2 pictures)"


def test_known_groups_stay_the_groups_of_the_crops() -> None:
    crops = split_of((10, 20), (10, 10), groups=np.array(["slide 7", "slide 8"])).crops(10)
    assert crops.groups is not None
    assert crops.groups.tolist() == ["slide 7", "slide 7", "slide 8"]


def test_random_places_are_decided_by_the_seed_and_lie_inside() -> None:
    pictures = split_of((30, 40), (12, 12))
    first, again, other = (pictures.crops(12, per_image=5, seed=seed) for seed in (1, 1, 2))
    assert len(first) == 10
    assert np.array_equal(first.masks, again.masks)  # type: ignore[arg-type]
    assert not np.array_equal(first.masks, other.masks)  # type: ignore[arg-type]
    assert_image_and_mask_agree(first)


def test_a_picture_smaller_than_a_crop_is_mirrored_with_its_mask() -> None:
    crops = split_of((3, 4)).crops(8)
    assert np.asarray(crops.masks).shape == (1, 8, 8)
    assert_image_and_mask_agree(crops)
    assert crops.masks[0][3:5, 2:6].tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]  # type: ignore[index]
    assert crops.masks[0][5, 1:7].tolist() == [8, 8, 9, 10, 11, 11]  # type: ignore[index]


@pytest.mark.parametrize(("size", "per_image"), [(0, None), (4, 0)])
def test_impossible_crops_are_refused(size: int, per_image: int | None) -> None:
    with pytest.raises(SettingsError, match="cannot be cut"):
        split_of((5, 5)).crops(size, per_image)
