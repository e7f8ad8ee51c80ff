from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as oracle

from teachkit.errors import FormatError, SettingsError
from teachkit.vision import Augment
from teachkit.vision.augmentation import LIMITS

EVERYTHING = Augment(
    flip="both", rotate=30, shift=0.2, zoom=0.3, saturation=0.4, hue=0.2, noise=0.05, blur=1.0
)


@pytest.fixture
def pictures():
    """Six colour pictures without sharp edges [6, 3, 32, 24]."""
    torch.manual_seed(0)
    return oracle.gaussian_blur(torch.rand(6, 3, 32, 24), 7, 1.5)


@pytest.fixture
def masks():
    """Instance numbers far apart [6, 32, 24]: blended numbers would be new ones."""
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.choice([0, 7, 90, 5000], (6, 8, 6)).repeat(4, 1).repeat(4, 2))


def drawn(augment, *batch, seed=0):
    torch.manual_seed(seed)
    return augment(*batch)


@pytest.mark.parametrize("channels", [1, 3])
def test_shape_range_and_kind_stay_as_they_are(pictures, channels):
    x = pictures[:, :channels]
    found = drawn(EVERYTHING, x)
    assert found.shape == x.shape
    assert found.dtype == x.dtype
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1
    assert not torch.equal(found, x)


def test_the_seed_decides_and_another_seed_gives_other_images(pictures):
    assert torch.equal(drawn(EVERYTHING, pictures), drawn(EVERYTHING, pictures))
    assert not torch.equal(drawn(EVERYTHING, pictures), drawn(EVERYTHING, pictures, seed=1))


def test_strength_0_returns_the_images(pictures, masks):
    found, moved = drawn(EVERYTHING.at(0), pictures, masks)
    torch.testing.assert_close(found, pictures, atol=1e-5, rtol=0)
    assert torch.equal(moved, masks)


def test_with_everything_off_not_one_bit_changes(pictures):
    assert torch.equal(drawn(EVERYTHING.only(), pictures), pictures)


def test_the_further_the_strength_the_further_the_images(pictures):
    augment = replace(EVERYTHING, flip=None)
    changes = [float((drawn(augment.at(s), pictures) - pictures).abs().mean()) for s in (0, 0.3, 0.6, 1, 2)]
    assert changes == sorted(changes)
    assert changes[-1] > 3 * changes[1]


def test_given_draws_equal_torchvisions_own_functions_one_image_at_a_time(pictures):
    augment = Augment(flip="horizontal", rotate=15, shift=0.1, zoom=0, brightness=0.2, contrast=0.2)
    torch.manual_seed(3)
    draws = augment.draw(6)
    found = augment.apply(pictures, draws)
    inside = (..., slice(10, 22), slice(8, 16))  # torchvision fills corners with black, we mirror
    for i in range(6):
        x = oracle.horizontal_flip(pictures[i]) if draws.across[i] else pictures[i]
        right, down = draws.shift[i].tolist()
        x = oracle.affine(
            x,
            angle=float(draws.angle[i]),
            translate=[right * 24, down * 32],
            scale=1.0,
            shear=[0, 0],
            interpolation=InterpolationMode.BILINEAR,
        )
        ours = augment.only("flip", "rotate", "shift").apply(pictures, draws)[i]
        torch.testing.assert_close(ours[inside], x[inside], atol=1e-5, rtol=0)
        # Contrast needs the mean of the whole picture, so colours start from our mirrored corners.
        x = oracle.adjust_contrast(
            oracle.adjust_brightness(ours, float(draws.brightness[i])), float(draws.contrast[i])
        )
        torch.testing.assert_close(found[i], x, atol=1e-5, rtol=0)
    assert 0 < int(draws.across.sum()) < 6


def test_all_draws_stay_within_their_limits_and_reach_for_them():
    torch.manual_seed(0)
    augment = Augment(flip="both", rotate=20, shift=0.1, zoom=0, brightness=0.3, contrast=0.5)
    draws = augment.draw(4000)
    for name, middle, limit in (
        ("angle", 0, 20), ("shift", 0, 0.1), ("brightness", 1, 0.3), ("contrast", 1, 0.5)
    ):  # fmt: skip
        values = getattr(draws, name) - middle
        assert float(values.abs().max()) <= limit
        assert float(values.max()) > 0.98 * limit
        assert float(values.min()) < -0.98 * limit
    for flipped in (draws.across, draws.along):
        assert float(flipped.float().mean()) == pytest.approx(0.5, abs=0.03)


def test_a_zoom_keeps_its_crop_inside_the_image():
    torch.manual_seed(0)
    draws = Augment(rotate=0, shift=0, zoom=0.5).draw(4000)
    assert 0.5 <= float(draws.edge.min()) < 0.51
    # The window reaches `edge / 2` to either side of its centre, which lies at -shift * edge.
    assert float((draws.shift.abs() * draws.edge[:, None] + draws.edge[:, None] / 2).max()) <= 0.5 + 1e-6


def test_two_arms_that_differ_in_one_limit_share_all_other_draws():
    torch.manual_seed(0)
    mild = Augment(rotate=0).draw(50)
    torch.manual_seed(0)
    wild = Augment(rotate=45).draw(50)
    for name in ("across", "shift", "edge", "brightness", "contrast", "changed"):
        assert torch.equal(getattr(mild, name), getattr(wild, name))


# Pairs of images and masks


def test_one_draw_moves_an_image_and_its_mask_together(masks):
    images = (masks == 90).float().unsqueeze(1)
    augment = replace(EVERYTHING, brightness=0, contrast=0, noise=0, blur=0)
    found, moved = drawn(augment, images, masks)
    # Where four neighbours agree, blending them and taking the nearest of them is the same.
    sure = (found < 0.01) | (found > 0.99)
    assert float(sure.float().mean()) > 0.5
    assert torch.equal((found[:, 0] > 0.5)[sure[:, 0]], (moved == 90)[sure[:, 0]])


def test_masks_never_hold_a_new_number_and_stay_whole_numbers(pictures, masks):
    for seed in range(20):
        _, moved = drawn(EVERYTHING.at(2), pictures, masks, seed=seed)
        assert moved.dtype == masks.dtype
        assert moved.shape == masks.shape
        assert set(moved.unique().tolist()) <= set(masks.unique().tolist())


def test_colours_and_noise_leave_masks_alone(pictures, masks):
    _, moved = drawn(EVERYTHING.only("brightness", "contrast", "hue", "noise", "blur"), pictures, masks)
    assert torch.equal(moved, masks)


def test_images_move_in_the_same_way_with_and_without_their_masks(pictures, masks):
    found, _ = drawn(EVERYTHING, pictures, masks)
    assert torch.equal(found, drawn(EVERYTHING, pictures))


# Shares and sizes


def test_a_share_of_the_images_is_changed_and_the_others_pass_bit_for_bit():
    torch.manual_seed(0)
    x = torch.rand(400, 1, 8, 8)
    found = drawn(Augment(share=0.25), x)
    same = (found == x).all(dim=3).all(dim=2)[:, 0]
    assert float((~same).float().mean()) == pytest.approx(0.25, abs=0.06)


def test_a_share_of_the_batches_is_changed_as_a_whole():
    torch.manual_seed(0)
    x = torch.rand(16, 1, 8, 8)
    augment = Augment(share=0.5, per="batch")
    changed = []
    for _ in range(60):
        same = (augment(x) == x).all(dim=3).all(dim=2)[:, 0]
        assert bool(same.all()) or not bool(same.any())
        changed.append(not bool(same.any()))
    assert 18 < sum(changed) < 42


def test_another_size_comes_out_when_it_is_asked_for(pictures, masks):
    found, moved = drawn(Augment(size=112), pictures, masks)
    assert found.shape == (6, 3, 112, 112)
    assert moved.shape == (6, 112, 112)
    assert set(moved.unique().tolist()) <= set(masks.unique().tolist())
    plain = drawn(Augment(size=112).only(), pictures[..., :24, :])
    expected = oracle.resize(pictures[..., :24, :], [112, 112])
    torch.testing.assert_close(plain, expected, atol=1e-5, rtol=0)


def test_a_batch_cannot_hold_images_of_two_sizes():
    with pytest.raises(SettingsError, match="per='batch'"):
        Augment(size=112, share=0.5)
    mixed = Augment(size=16, share=0.5, per="batch")
    torch.manual_seed(0)
    assert {tuple(mixed(torch.rand(4, 1, 8, 8)).shape[2:]) for _ in range(20)} == {(8, 8), (16, 16)}


# What is refused


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"flip": "diagonal"}, "flip='diagonal'"),
        ({"per": "epoch"}, "per='epoch'"),
        ({"rotate": -1}, "rotate=-1"),
        ({"strength": float("nan")}, "strength=nan"),
        ({"zoom": 1.0}, "zoom=1.0"),
        ({"hue": 0.6}, "hue=0.6"),
        ({"share": 1.5}, "share=1.5"),
        ({"size": 0}, "size=0"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings, words):
    with pytest.raises(SettingsError, match=words):
        Augment(**settings)


def test_an_unknown_change_is_refused():
    with pytest.raises(SettingsError, match="name='rotation'"):
        Augment().only("rotation")


@pytest.mark.parametrize("shape", [(8, 8), (2, 8, 8), (2, 2, 8, 8)])
def test_anything_but_a_batch_of_images_is_refused(shape):
    with pytest.raises(FormatError, match="batch, 1 or 3"):
        Augment()(torch.rand(shape))


def test_whole_numbers_are_refused_as_images_and_wrong_sizes_as_masks(pictures):
    with pytest.raises(FormatError, match="uint8"):
        Augment()(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))
    with pytest.raises(FormatError, match=r"masks of shape \(6, 8, 8\)"):
        Augment()(pictures, torch.zeros(6, 8, 8, dtype=torch.int64))


def test_every_limit_can_be_switched_on_alone_and_does_something(pictures):
    for name in ("flip", *LIMITS):
        found = drawn(EVERYTHING.only(name), pictures, seed=1)
        assert float((found - pictures).abs().max()) > 0.01, name
