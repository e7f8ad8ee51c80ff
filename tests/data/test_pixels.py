"""Instance masks become classes; class shares are counted over all pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachkit.data import Info, Split
from teachkit.errors import FormatError, SettingsError

CELLS = Info("m", "Made", "segmentation", ("background", "cell"), None, "", True, "", "", instances=True)
TISSUE = Info(
    "m", "Made", "segmentation", ("epidermis", "dermis", "hair", "background"), None, "", True, "", ""
)


def split_of(masks: list[np.ndarray], info: Info) -> Split:
    images = [np.zeros(mask.shape, np.uint8) for mask in masks]
    return Split(images, np.zeros((len(masks), 0), int), info, "train", None, masks=masks)


def test_objects_become_one_class_and_forget_their_numbers() -> None:
    found = split_of([np.array([[0, 3, 3], [700, 0, 1]])], CELLS).semantic()
    assert found.masks is not None
    assert found.masks[0].tolist() == [[0, 1, 1], [1, 0, 1]]
    assert (found.masks[0].dtype, found.info.instances) == (np.uint8, False)
    assert found.info.classes == ("background", "cell")
    assert found.semantic() is found  # class masks stay as they are


def test_only_pixels_near_two_objects_are_border() -> None:
    mask = np.zeros((5, 9), int)
    mask[:, :3], mask[:, 5:] = 1, 2  # two columns of background lie between
    near = split_of([mask], CELLS).semantic(border=2)
    assert near.masks is not None
    assert near.masks[0][2].tolist() == [1, 1, 1, 2, 2, 1, 1, 1, 1]
    assert near.info.classes == ("background", "cell", "border")
    assert (split_of([mask], CELLS).semantic(border=1).masks[0] != 2).all()  # type: ignore[index]
    wide = split_of([mask], CELLS).semantic(border=3).masks
    assert wide[0][2].tolist() == [1, 1, 2, 2, 2, 2, 1, 1, 1]  # type: ignore[index]


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
@settings(deadline=None, max_examples=25)
def test_border_equals_its_definition_pixel_by_pixel(seed: int, border: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.integers(1, 4, (9, 9)) * (rng.random((9, 9)) < 0.25)
    found = split_of([mask], CELLS).semantic(border).masks
    rows, columns = np.indices(mask.shape)
    for row, column in np.ndindex(mask.shape):
        close = (rows - row) ** 2 + (columns - column) ** 2 <= border**2
        expected = 2 if len(set(mask[close]) - {0}) > 1 else int(mask[row, column] > 0)
        assert found[0][row, column] == expected  # type: ignore[index]


def test_a_border_needs_objects_that_are_told_apart() -> None:
    with pytest.raises(SettingsError, match="A border of 1 pixels cannot be drawn"):
        split_of([np.zeros((2, 2), int)], TISSUE).semantic(border=1)
    with pytest.raises(SettingsError, match="has no masks"):
        split_of([np.zeros((2, 2), int)], CELLS).replace(masks=None).semantic()


def test_class_shares_reproduce_those_of_the_published_skin_sections() -> None:
    """37.64, 18.47, 3.05 and 40.84 %, from two masks of unequal size."""
    pixels = np.repeat([0, 1, 2, 3], [3764, 1847, 305, 4084])
    shares = split_of([pixels[:4000].reshape(40, 100), pixels[4000:].reshape(60, 100)], TISSUE).class_shares()
    assert shares == pytest.approx(
        {"epidermis": 0.3764, "dermis": 0.1847, "hair": 0.0305, "background": 0.4084}
    )
    assert sum(shares.values()) == pytest.approx(1)


def test_shares_of_instance_masks_are_those_of_their_classes() -> None:
    assert split_of([np.array([[0, 5, 9, 0]])], CELLS).class_shares() == {"background": 0.5, "cell": 0.5}


def test_a_class_that_the_set_does_not_name_is_refused_with_its_row() -> None:
    masks = [np.zeros((2, 2), int), np.array([[0, 7]])]
    with pytest.raises(FormatError, match=r"mask in row 1 holds values from 0 to 7.*Allowed are 0 to 3"):
        split_of(masks, TISSUE).class_shares()
