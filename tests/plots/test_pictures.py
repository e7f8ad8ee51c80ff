import numpy as np
import pytest

from teachkit import plots
from teachkit.errors import FormatError


@pytest.fixture
def grey():
    return np.random.default_rng(0).integers(0, 256, (5, 8, 8), dtype=np.uint8)


def test_each_image_gets_its_title_and_its_pixels(grey):
    picture = plots.images(grey, [f"image {i}" for i in range(5)], columns=3, suptitle="Five")
    shown = [axes for axes in picture.figure.axes if axes.images]
    assert [axes.get_title() for axes in shown] == [f"image {i}" for i in range(5)]
    for axes, image in zip(shown, grey, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), image)
    assert picture.alt.startswith("Five. 5 images in 2 rows. Titles: image 0; image 1")
    assert "no physical scale known" in picture.alt


def test_brightness_is_not_stretched_from_image_to_image(grey):
    for axes in plots.images(grey // 4).figure.axes:
        if axes.images:
            assert axes.images[0].get_clim() == (0, 255)


def test_heat_maps_share_one_scale_with_zero_in_its_middle(grey):
    maps = np.linspace(-1, 3, 5 * 64).reshape(5, 8, 8)
    picture = plots.images(grey, overlay=maps)
    limits = {axes.images[1].get_clim() for axes in picture.figure.axes if len(axes.images) == 2}
    assert limits == {(-3, 3)}
    assert "75% of the places speak for the class" in picture.alt


def test_a_heat_map_of_nothing_but_zeros_is_drawn(grey):
    assert plots.images(grey, overlay=np.zeros((5, 8, 8))).png


def test_colour_images_of_different_sizes_may_stand_side_by_side():
    pair = [np.zeros((4, 6, 3), np.uint8), np.zeros((9, 9), np.uint8)]
    assert plots.images(pair).alt.startswith("2 images.")


def test_no_image_is_refused():
    with pytest.raises(FormatError, match="no image"):
        plots.images([])


@pytest.mark.parametrize("extra", [{"titles": ["one"]}, {"overlay": np.zeros((4, 8, 8))}])
def test_another_number_of_titles_or_maps_is_refused(grey, extra):
    with pytest.raises(FormatError, match=f"{len(next(iter(extra.values())))} {next(iter(extra))} for 5"):
        plots.images(grey, **extra)


def test_fractions_and_masks_run_from_zero_to_one():
    for pictures in (np.full((1, 4, 4), 0.5), np.ones((1, 4, 4), bool)):
        assert plots.images(pictures).figure.axes[0].images[0].get_clim() == (0, 1)
