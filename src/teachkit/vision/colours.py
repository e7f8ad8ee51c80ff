"""Batches of images made brighter, greyer or noisier: each image by a factor of its own.

Factors mean what they mean in torchvision: 1 changes nothing, 0 takes the property away altogether.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from teachkit.extras import need

# Weights of red, green and blue in the grey level that people see (ITU-R BT.601, as torchvision rounds them).
LUMA = (0.2989, 0.587, 0.114)


def grey(images: Tensor) -> Tensor:
    """Grey level [B, 1, H, W] of images [B, 1 or 3, H, W]."""
    if images.shape[1] == 1:
        return images
    weights = torch.tensor(LUMA, device=images.device, dtype=images.dtype).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True)


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Multiply each image [B, C, H, W] by its `factor` [B]."""
    return (images * _each(factor)).clamp(0, 1)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Stretch each image about its own mean grey level by `factor` [B]."""
    mean = grey(images).mean((1, 2, 3), keepdim=True)
    return torch.lerp(mean, images, _each(factor)).clamp(0, 1)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Stretch each colour image away from its grey levels by `factor` [B]; a grey image stays as it is."""
    if images.shape[1] == 1:
        return images
    return torch.lerp(grey(images), images, _each(factor)).clamp(0, 1)


def hue(images: Tensor, turn: Tensor) -> Tensor:
    """Turn each image's colours by `turn` [B] of the colour circle, -0.5 to 0.5; a grey image has none."""
    if images.shape[1] == 1:
        return images
    functional = need("torchvision.transforms.v2.functional", "lessons")
    turned = [
        functional.adjust_hue(image, float(part)) for image, part in zip(images, turn.tolist(), strict=True)
    ]
    return torch.stack(turned)  # torchvision takes one number a call


def noise(images: Tensor, spread: Tensor, values: Tensor) -> Tensor:
    """Add standard normal `values` [B, C, H, W] times `spread` [B], a share of the grey scale."""
    return (images + values * _each(spread)).clamp(0, 1)


def blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Smooth each image by a Gaussian of `sigma` [B] pixels; 0 leaves it as it is."""
    radius = min(math.ceil(3 * float(sigma.max())), min(images.shape[2:]) - 1)
    if radius < 1:
        return images
    places = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernels = torch.exp(-0.5 * (places / sigma.to(images).clamp_min(1e-3).view(-1, 1)) ** 2)
    kernels = kernels / kernels.sum(1, keepdim=True)  # [B, 2 * radius + 1]
    batch, channels, height, width = images.shape
    kernels = kernels.repeat_interleave(channels, dim=0)
    # One group per image and channel: each is smoothed by the kernel of its image, first down, then across.
    flat = F.pad(images.reshape(1, batch * channels, height, width), [radius] * 4, mode="reflect")
    flat = F.conv2d(flat, kernels[:, None, :, None], groups=batch * channels)
    return F.conv2d(flat, kernels[:, None, None, :], groups=batch * channels).reshape(images.shape)


def _each(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)
