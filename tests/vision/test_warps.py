import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as oracle

from teachkit.vision import warps


@pytest.fixture
def smooth():
    """Two colour pictures [2, 3, 40, 30] without sharp edges."""
    torch.manual_seed(0)
    return oracle.gaussian_blur(torch.rand(2, 3, 40, 30), 9, 2.0)


def warp_by(x, angle=0.0, shift=(0.0, 0.0), edge=1.0, **options):
    n = len(x)
    return warps.warp(
        x, torch.full((n,), angle), torch.tensor([shift] * n), torch.full((n,), edge), **options
    )


@pytest.mark.parametrize(
    ("angle", "shift", "edge"),
    [(20.0, (0.0, 0.0), 1.0), (0.0, (0.1, -0.2), 1.0), (0.0, (0.0, 0.0), 0.7), (-33.0, (0.05, 0.1), 0.8)],
)
def test_a_warp_equals_torchvisions_affine_map_away_from_the_border(smooth, angle, shift, edge):
    height, width = smooth.shape[2:]
    expected = oracle.affine(
        smooth,
        angle=angle,
        translate=[shift[0] * width, shift[1] * height],
        scale=1 / edge,
        shear=[0, 0],
        interpolation=InterpolationMode.BILINEAR,
    )
    found = warp_by(smooth, angle, shift, edge)
    inside = (..., slice(14, 26), slice(10, 20))  # torchvision fills with black, we mirror
    torch.testing.assert_close(found[inside], expected[inside], atol=1e-5, rtol=0)


def test_every_image_of_a_batch_is_moved_by_its_own_numbers(smooth):
    angle, edge = torch.tensor([25.0, -10.0]), torch.tensor([0.8, 1.0])
    shift = torch.tensor([[0.1, 0.0], [0.0, -0.1]])
    together = warps.warp(smooth, angle, shift, edge)
    for i in range(2):
        alone = warps.warp(smooth[i : i + 1], angle[i : i + 1], shift[i : i + 1], edge[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone)


def test_what_lies_outside_is_the_mirror_image():
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    moved = warp_by(ramp, shift=(0.25, 0.0))  # two pixels to the right
    torch.testing.assert_close(moved[0, 0, 0], torch.tensor([1.0, 0, 0, 1, 2, 3, 4, 5]), atol=1e-5, rtol=0)


def test_no_movement_changes_nothing(smooth):
    torch.testing.assert_close(warp_by(smooth), smooth, atol=1e-5, rtol=0)


def test_flips_mirror_the_chosen_images_exactly_as_torchvision_does(smooth):
    yes, no = torch.tensor([True, False]), torch.tensor([False, False])
    assert torch.equal(
        warps.flip(smooth, yes, no), torch.stack([oracle.horizontal_flip(smooth[0]), smooth[1]])
    )
    assert torch.equal(warps.flip(smooth, no, yes), torch.stack([oracle.vertical_flip(smooth[0]), smooth[1]]))


def test_resizing_equals_torchvision_in_both_directions(smooth):
    for size in ((20, 15), (80, 60)):
        expected = oracle.resize(smooth, list(size), antialias=size[0] < 40)
        torch.testing.assert_close(warps.resize(smooth, size), expected, atol=1e-5, rtol=0)
