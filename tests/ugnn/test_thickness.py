"""Thinned and thickened digits are still the same digits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from teachkit import data
from teachkit.errors import DataError, SettingsError
from teachkit.ugnn.thickness import FORMS, in_form, thickness


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return data.load("digits", "test").images[:60]


def bar(width: int) -> np.ndarray:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 10 : 10 + width] = 255
    return image


def parts(image: np.ndarray) -> int:
    return ndimage.label(image > 0, np.ones((3, 3)))[1]


@pytest.mark.parametrize("width", [2, 4, 7])
def test_a_bar_is_as_thick_as_it_is_wide(width):
    assert thickness(bar(width)) == pytest.approx(width, abs=0.6)


def test_every_digit_becomes_thinner_and_thicker(digits):
    for image in digits:
        plain, thinned, thickened = (thickness(in_form(image, form)) for form in FORMS)
        assert 0 < thinned < 0.8 * plain
        assert 1.4 * plain < thickened


def test_thickening_adds_to_a_plain_digit_and_thinning_takes_away(digits):
    for image in digits:
        plain, thinned, thickened = (in_form(image, form) for form in FORMS)
        assert (thinned <= plain).all()
        assert (plain <= thickened).all()
        assert thinned.max() > 150


def test_thinning_breaks_no_digit_and_thickening_only_joins(digits):
    for image in digits:
        plain, thinned, thickened = (parts(in_form(image, form)) for form in FORMS)
        assert thinned == plain >= thickened >= 1


def test_a_plain_digit_keeps_its_thickness(digits):
    for image in digits:
        assert thickness(in_form(image, "plain")) == pytest.approx(thickness(image), rel=0.15)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(FORMS))
def test_no_form_empties_an_image_that_is_not_empty(seed, form):
    draw = np.random.default_rng(seed)
    image = (255 * (draw.random((12, 17)) < 0.1)).astype(np.uint8)
    image[6, 8] = 255
    changed = in_form(image, form)
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    assert changed.any()


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_image_stays_empty(form):
    empty = np.zeros((28, 28), np.uint8)
    assert not in_form(empty, form).any()
    assert thickness(empty) == 0


def test_another_form_or_a_colour_image_is_refused():
    with pytest.raises(SettingsError, match="thick"):
        in_form(bar(3), "thick")
    with pytest.raises(DataError, match="shape"):
        thickness(np.zeros((28, 28, 3), np.uint8))
