"""A split as tensors on the device: a batch is one gather by row number, with no workers and no image files.

Images stay uint8 until they are in a batch, a quarter of the memory of float32. Arrays mapped from disk
(`np.memmap`) stay there and are read batch by batch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from teachkit.data.splits import Split
from teachkit.errors import FormatError
from teachkit.shapes import Inputs, Targets

Column = Tensor | np.memmap


@dataclass(frozen=True)
class Batches:
    """Inputs and targets of one split.

    Attributes:
        inputs: uint8 ``[N, C, H, W]`` on the device, or memory-mapped ``[N, H, W(, C)]``; or floats.
        targets: ``[N]`` classes, ``[N, L]`` float32 labels or numbers, or ``[N, H, W]`` masks.
        device: where batches arrive.
    """

    inputs: Column
    targets: Column
    device: torch.device

    @classmethod
    def of(cls, split: Split, device: torch.device) -> "Batches":
        """Put a split on the device.

        Raises:
            FormatError: when it is empty, its pictures differ in size, or its table is not numeric.
        """
        if not len(split):
            raise FormatError(
                f"{split.info.title}, {split.split}: the split is empty.",
                "Check the filter or row numbers that made it.",
                name=split.info.name,
            )
        return cls(_resident(_inputs(split), device), _resident(_targets(split), device), device)

    def __len__(self) -> int:
        return len(self.inputs)

    def gather(self, rows: np.ndarray) -> tuple[Inputs, Targets]:
        """The rows as float32 inputs, images in [0, 1] as ``[B, C, H, W]``, and their targets."""
        inputs = _take(self.inputs, rows, self.device)
        inputs = inputs.float().div_(255) if inputs.dtype == torch.uint8 else inputs.float()
        targets = _take(self.targets, rows, self.device)
        return inputs, targets if targets.is_floating_point() else targets.long().squeeze(1)

    def in_order(self, batch_size: int) -> Iterator[tuple[Inputs, Targets]]:
        """All rows from first to last, in batches."""
        for start in range(0, len(self), batch_size):
            yield self.gather(np.arange(start, min(start + batch_size, len(self))))

    @torch.no_grad()
    def through(self, body: Callable[[Tensor], Tensor], batch_size: int) -> "Batches":
        """The same targets with `body`'s outputs as inputs: features computed once."""
        features = [body(inputs).float() for inputs, _ in self.in_order(batch_size)]
        return Batches(torch.cat(features), self.targets, self.device)


def _inputs(split: Split) -> np.ndarray:
    if split.images is None:
        if split.table is None:
            raise FormatError(f"{split.title} has neither images nor a table.", "Load it with one of them.")
        try:
            return split.table.to_numpy(dtype=np.float32)
        except (TypeError, ValueError) as error:
            columns = [str(name) for name in split.table.select_dtypes(exclude="number").columns]
            raise FormatError(
                f"{split.title}: columns {columns} are not numbers.",
                "Encode or drop them first.",
                columns=columns,
            ) from error
    return _stacked(split.images, f"{split.title}: the images")


def _targets(split: Split) -> np.ndarray:
    if split.info.task == "segmentation":
        if split.masks is None:
            raise FormatError(f"{split.title} has no masks.", "A segmentation split needs one per image.")
        if split.info.instances:
            raise FormatError(
                f"{split.title}: the masks number single objects, which are no classes to learn.",
                "Turn them into classes first: split.semantic().",
                name=split.info.name,
            )
        return _stacked(split.masks, f"{split.title}: the masks")
    if split.info.task in ("multi-label", "regression"):
        return split.labels.astype(np.float32)
    return split.labels


def _stacked(pictures: np.ndarray | list[np.ndarray], what: str) -> np.ndarray:
    if isinstance(pictures, np.ndarray):
        return pictures
    shapes = sorted({picture.shape for picture in pictures})
    if len(shapes) > 1:
        raise FormatError(
            f"{what} differ in size: {shapes[0]} and {shapes[-1]}, among {len(shapes)} sizes.",
            "Cut pieces of one size: split.crops(128), or resize them.",
            shapes=shapes,
        )
    return np.stack(pictures)


def _resident(values: np.ndarray, device: torch.device) -> Column:
    """On the device with channels first; a memory-mapped array stays on disk."""
    return values if isinstance(values, np.memmap) else _channels_first(torch.tensor(values)).to(device)


def _take(column: Column, rows: np.ndarray, device: torch.device) -> Tensor:
    if isinstance(column, Tensor):
        return column.index_select(0, torch.from_numpy(rows).to(device))
    return _channels_first(torch.from_numpy(np.asarray(column[rows]))).to(device)


def _channels_first(values: Tensor) -> Tensor:
    """``[N, H, W]`` and ``[N, H, W, C]`` to ``[N, C, H, W]``; anything flatter is left as it is."""
    if values.ndim == 3:
        return values.unsqueeze(1)
    return values.permute(0, 3, 1, 2).contiguous() if values.ndim == 4 else values
