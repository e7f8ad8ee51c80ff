"""Batches of images moved as a whole: each image by its own flip, angle, shift and zoom, in one pass.

What lies outside an image is filled with its mirror image: no black corner tells a changed image apart.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def flip(images: Tensor, across: Tensor, along: Tensor) -> Tensor:
    """Mirror the chosen images; every pixel value stays exactly what it was.

    Args:
        images: [B, C, H, W].
        across: bool [B], left and right change places.
        along: bool [B], top and bottom change places.
    """
    images = torch.where(across.view(-1, 1, 1, 1), images.flip(3), images)
    return torch.where(along.view(-1, 1, 1, 1), images.flip(2), images)


def warp(
    images: Tensor,
    angle: Tensor,
    shift: Tensor,
    edge: Tensor,
    *,
    size: tuple[int, int] | None = None,
    nearest: bool = False,
) -> Tensor:
    """Turn, shift and enlarge each image about its centre, sampled once.

    Args:
        images: floats [B, C, H, W].
        angle: degrees [B]; positive turns clockwise, as in torchvision.
        shift: [B, 2], to the right and down, as a share of width and height.
        edge: [B], the share of the edge that stays in view: 1 keeps the scale, 0.5 shows half of it twice as
            large.
        size: height and width of what comes out; by default those of `images`.
        nearest: take the nearest pixel instead of blending four, for masks: no new value can arise.
    """
    height, width = images.shape[2:]
    radians = torch.deg2rad(angle)
    cos, sin = torch.cos(radians) * edge, torch.sin(radians) * edge
    # From places in the result back to places in the image, in pixels from the centre:
    # source = edge * rotation(-angle) @ (place - shift). `affine_grid` counts half edges instead of pixels.
    right, down = shift[:, 0] * width, shift[:, 1] * height
    rows = [
        torch.stack([cos, sin * height / width, -(cos * right + sin * down) * 2 / width], dim=1),
        torch.stack([-sin * width / height, cos, (sin * right - cos * down) * 2 / height], dim=1),
    ]
    theta = torch.stack(rows, dim=1).to(images)
    shape = [len(images), images.shape[1], *(size or (height, width))]
    grid = F.affine_grid(theta, shape, align_corners=False)
    mode = "nearest" if nearest else "bilinear"
    return F.grid_sample(images, grid, mode=mode, padding_mode="reflection", align_corners=False)


def resize(images: Tensor, size: tuple[int, int], *, nearest: bool = False) -> Tensor:
    """Bring images [B, C, H, W] to another size; made smaller, they are averaged so that nothing aliases."""
    if nearest:
        return F.interpolate(images, size=size, mode="nearest-exact")
    shrinks = size[0] < images.shape[2] or size[1] < images.shape[3]
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=shrinks)
