import numpy as np
import pytest
import torch
from PIL import Image

from teachkit.vision import Augment


def test_the_gallery_shows_every_change_alone_and_says_how_much_it_changed(grey):
    picture = Augment(flip="both", noise=0.1, blur=1).gallery(grey[0], title="Blobs")
    for words in ("as it is", "left and right", "top and bottom", "rotate 15°", "noise", "blur", "Blobs"):
        assert words in picture.alt
    flipped = 255 * np.abs(grey[0] / 255 - grey[0, :, ::-1] / 255).mean()
    assert f"left and right, mean change {flipped:.1f} of 255" in picture.alt


def test_saturation_and_hue_are_shown_to_do_nothing_to_a_grey_image_and_something_to_a_colour_one(grey):
    augment = Augment(saturation=0.5, hue=0.3)
    assert augment.gallery(grey[0]).alt.count("no effect on a grey image") == 2
    colour = np.stack([grey[0], grey[1], grey[2]], axis=2)
    assert "no effect" not in augment.gallery(colour).alt


def test_what_is_switched_off_is_not_shown(grey):
    assert "2 images" in Augment().only("rotate").gallery(grey[0]).alt


def test_looking_does_not_move_the_random_numbers_of_the_caller(grey, tmp_path):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    augment = Augment(noise=0.1)
    augment.gallery(grey[0])
    augment.explore(grey[:2])
    augment.animate(grey[0], tmp_path / "a.gif")
    assert torch.equal(torch.rand(3), expected)


def test_the_explorer_starts_with_the_images_as_they_are(grey):
    explorer = Augment().explore(grey[:2], {0.0: [0.8, 0.7], 1.0: [0.9, 0.75]}, vote=0.6)
    np.testing.assert_array_equal(explorer._change(0.0), grey[:2])
    assert not np.array_equal(explorer._change(1.0), grey[:2])
    np.testing.assert_array_equal(explorer._change(1.0), explorer._change(1.0))
    assert "Votes: 0.6" in explorer.alt


@pytest.mark.parametrize("colour", [False, True])
def test_the_moving_picture_starts_with_the_image_as_it_is(grey, tmp_path, colour):
    image = np.stack([grey[0], grey[1], grey[2]], axis=2) if colour else grey[0]
    shown = Augment().animate(image, tmp_path / "rising.gif", title="Blobs")
    with Image.open(shown.path) as gif:
        assert gif.n_frames == 11
        first = np.asarray(gif.convert("RGB"))[: 28 * 9 : 9, : 28 * 9 : 9]
    expected = image if colour else np.repeat(image[..., None], 3, axis=2)
    # A GIF keeps 256 colours: enough for all grey levels, not for all colours.
    assert np.abs(first.astype(int) - expected).mean() < (12 if colour else 1)
    assert "strength 2.0" in shown.alt
