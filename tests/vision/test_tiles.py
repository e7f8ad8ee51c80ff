import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teachkit.errors import SettingsError
from teachkit.vision.tiles import cuts, fields, in_tiles


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 12))
def test_every_pixel_is_answered_for_once_and_lies_far_enough_inside_its_tile(length, inner, overlap):
    tile = inner + 2 * overlap
    found = cuts(length, tile, overlap)
    answered = np.concatenate([np.arange(length)[pixels] for _, pixels in found])
    assert answered.tolist() == list(range(length))
    for start, pixels in found:
        end = min(start + tile, length)
        assert start == 0 or pixels.start >= start + overlap
        assert end == length or pixels.stop <= end - overlap


@given(st.integers(1, 60), st.integers(1, 60))
def test_a_rule_that_looks_at_one_pixel_gives_the_same_in_tiles(height, width):
    image = np.random.default_rng([height, width]).integers(0, 256, (height, width), dtype=np.uint8)
    found = in_tiles(lambda part: np.stack([part, 255 - part]), image, 16, 4)
    np.testing.assert_array_equal(found, np.stack([image, 255 - image]))


def test_tiles_without_anything_left_are_refused():
    with pytest.raises(SettingsError, match="more than 16 pixels"):
        in_tiles(lambda part: part[None], np.zeros((40, 40), np.uint8), 16, 8)


def test_deeper_networks_look_further_and_bilinear_ones_further_still():
    reach = {up: [max(map(max, fields(depth, up))) for depth in range(5)] for up in ("nearest", "bilinear")}
    assert reach["nearest"] == sorted(set(reach["nearest"]))
    assert all(a <= b for a, b in zip(reach["nearest"], reach["bilinear"], strict=True))
