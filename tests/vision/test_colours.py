import pytest
import torch
from torchvision.transforms.v2 import functional as oracle

from teachkit.vision import colours

FACTORS = torch.tensor([0.0, 0.4, 1.0, 1.7])


@pytest.fixture
def pictures():
    """Four colour pictures of noise [4, 3, 12, 10]."""
    torch.manual_seed(0)
    return torch.rand(4, 3, 12, 10)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_gets_what_torchvision_gives_it_alone(pictures, name, channels):
    x = pictures[:, :channels]
    adjust = getattr(oracle, f"adjust_{name}")
    expected = torch.stack([adjust(image, float(f)) for image, f in zip(x, FACTORS, strict=True)])
    torch.testing.assert_close(getattr(colours, name)(x, FACTORS), expected, atol=1e-6, rtol=0)


def test_hue_turns_each_image_by_its_own_part_of_the_circle(pictures):
    turns = torch.tensor([-0.5, -0.1, 0.0, 0.3])
    expected = torch.stack([oracle.adjust_hue(i, float(t)) for i, t in zip(pictures, turns, strict=True)])
    torch.testing.assert_close(colours.hue(pictures, turns), expected)


@pytest.mark.parametrize("name", ["saturation", "hue"])
def test_saturation_and_hue_leave_a_grey_image_exactly_as_it_is(pictures, name):
    grey = pictures[:, :1]
    assert torch.equal(getattr(colours, name)(grey, torch.full((4,), 0.4)), grey)


def test_blur_equals_torchvisions_gaussian_for_each_image(pictures):
    sigmas = torch.tensor([0.5, 1.0, 0.0, 1.5])
    found = colours.blur(pictures, sigmas)
    for image, sigma, ours in zip(pictures, sigmas.tolist(), found, strict=True):
        # The largest sigma sets the size of all kernels: three of it on each side.
        expected = oracle.gaussian_blur(image, [11, 11], [sigma, sigma]) if sigma else image
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


def test_noise_has_the_spread_asked_for_and_stays_within_the_grey_scale():
    torch.manual_seed(0)
    middle = torch.full((2, 1, 200, 200), 0.5)
    found = colours.noise(middle, torch.tensor([0.05, 0.0]), torch.randn(middle.shape))
    assert float(found[0].std()) == pytest.approx(0.05, rel=0.02)
    assert torch.equal(found[1], middle[1])
    loud = colours.noise(middle, torch.tensor([5.0, 5.0]), torch.randn(middle.shape))
    assert (float(loud.min()), float(loud.max())) == (0.0, 1.0)
