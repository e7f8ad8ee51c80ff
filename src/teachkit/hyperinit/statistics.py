"""Running statistics of BatchNorm: predicted numbers need their own before anything is measured."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from teachkit.data import Split
from teachkit.errors import FormatError
from teachkit.graphs.tracing import evaluating

Images = Split | np.ndarray | Tensor


def reset_statistics(module: nn.Module) -> int:
    """Bring all running statistics back to mean 0 and variance 1; returns in how many layers."""
    layers = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]
    for layer in layers:
        layer.reset_running_stats()
    return len(layers)


@torch.no_grad()
def recompute_statistics(module: nn.Module, images: Images, batch_size: int = 64) -> int:
    """Replace the running statistics of BatchNorm by those of `images`, which need no labels.

    Each layer gets the mean of its statistics over the batches. Nothing else changes: no weight, no mode, no
    dropout.

    Args:
        images: a split, pictures uint8 [N, H, W] or [N, H, W, 3], or floats [N, C, H, W] in 0..1. Grey
            pictures are repeated where the network wants more channels.
        batch_size: the last batch takes in a rest of one picture.

    Returns:
        The number of layers with new statistics.

    Raises:
        FormatError: for other images, or fewer than two.
    """
    x = as_floats(images)
    if len(x) < 2:
        raise FormatError(f"{len(x)} images have no statistics.", "Give at least two.", count=len(x))
    if not (count := reset_statistics(module)):
        return 0
    layers = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]
    device, channels = next(module.parameters()).device, first_width(module)
    if x.shape[1] == 1 and channels is not None:
        x = x.expand(-1, channels, -1, -1)
    momenta = [layer.momentum for layer in layers]
    with evaluating(module):
        try:
            for layer in layers:
                layer.train()
                layer.momentum = None  # the plain mean over batches
            for rows in torch.arange(len(x)).tensor_split(-(-len(x) // batch_size)):
                module(x[rows].to(device))
        finally:
            for layer, momentum in zip(layers, momenta, strict=True):
                layer.momentum = momentum
    return count


def as_floats(images: Images) -> Tensor:
    """Pictures as float32 [N, C, H, W] in 0..1.

    Raises:
        FormatError: for pictures of different sizes, another shape or another kind of number.
    """
    pixels = images.images if isinstance(images, Split) else images
    if isinstance(pixels, Tensor) and pixels.is_floating_point() and pixels.ndim == 4:
        return pixels.float()
    if isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.ndim in (3, 4):
        x = torch.from_numpy(pixels.astype(np.float32) / 255)
        return x[:, None] if x.ndim == 3 else x.permute(0, 3, 1, 2)
    kind = getattr(pixels, "dtype", type(pixels).__name__)
    raise FormatError(
        f"Images of kind {kind} and shape {tuple(getattr(pixels, 'shape', ()))} are not understood.",
        "Give a split, uint8 pictures [N, H, W] or [N, H, W, 3] of one size, or floats [N, C, H, W] in 0..1.",
    )


def first_width(module: nn.Module) -> int | None:
    """Channels that `module` takes: as it says itself, else as its first convolution does."""
    if isinstance(own := getattr(module, "in_channels", None), int):
        return own
    return next((part.in_channels for part in module.modules() if isinstance(part, nn.Conv2d)), None)
