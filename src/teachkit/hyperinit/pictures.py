"""Pictures without their labels, as one tensor on the device."""

import numpy as np
import torch
from torch import Tensor

from teachkit.data.splits import Split
from teachkit.errors import FormatError

Pictures = Split | np.ndarray | Tensor


def on_device(pictures: Pictures, device: torch.device) -> Tensor:
    """Pictures [N, C, H, W], uint8 as they are or floats in [0, 1].

    Args:
        pictures: a split, whose labels are not looked at; or an array [N, H, W] or [N, H, W, channels];
            or a tensor [N, C, H, W].

    Raises:
        FormatError: for no pictures, for pictures of several sizes, and for another form.
    """
    if isinstance(pictures, Tensor):
        values = pictures
    else:
        values = _channels_first(torch.from_numpy(np.ascontiguousarray(_array(pictures))))
    if values.ndim != 4 or not len(values) or values.dtype not in (torch.uint8, torch.float32):
        raise FormatError(
            f"Pictures of shape {list(values.shape)} and type {str(values.dtype).removeprefix('torch.')}.",
            "Give at least one, as uint8 or float32: an array [N, H, W] or [N, H, W, 3], or a tensor "
            "[N, C, H, W].",
            shape=tuple(values.shape),
        )
    return values.to(device)


def _array(pictures: Split | np.ndarray) -> np.ndarray:
    if isinstance(pictures, np.ndarray):
        return pictures
    if isinstance(pictures.images, np.ndarray):
        return pictures.images
    found = "no pictures" if pictures.images is None else "pictures of several sizes"
    raise FormatError(
        f"{pictures.title} has {found}.", "Give pictures of one size: split.crops(64) cuts them.", found=found
    )


def _channels_first(values: Tensor) -> Tensor:
    if values.ndim == 3:
        return values.unsqueeze(1)
    return values.permute(0, 3, 1, 2).contiguous() if values.ndim == 4 else values
