"""Do model and data fit each other? Asked with two rows, before a run starts."""

import numpy as np
import torch
from torch import Tensor, nn

from teachkit.data.splits import Split
from teachkit.errors import FormatError, TrainingError
from teachkit.training.batches import Batches
from teachkit.training.modes import evaluating


def check_fit(model: nn.Module, batches: Batches, split: Split) -> None:
    """Run two rows through the model and compare its outputs with the targets.

    Raises:
        FormatError: for the wrong number of channels or outputs, or a label that no output stands for.
    """
    inputs, targets = batches.gather(np.arange(min(2, len(batches))))
    outputs = _trial(model, inputs, split)
    task, count = split.info.task, outputs.shape[1] if outputs.ndim > 1 else 0
    if task in ("multi-label", "regression"):
        if outputs.shape != targets.shape:
            raise FormatError(
                f"{split.title}: the model returns {list(outputs.shape)} for labels {list(targets.shape)}.",
                f"Give its last layer {targets.shape[1]} outputs.",
                outputs=tuple(outputs.shape),
            )
        return
    wanted = (len(inputs), count, *targets.shape[1:])
    if outputs.shape != wanted:
        raise FormatError(
            f"{split.title}: the model returns {list(outputs.shape)}, not [rows, classes"
            f"{', height, width' if task == 'segmentation' else ''}] for targets {list(targets.shape)}.",
            "Check the model's last layers.",
            outputs=tuple(outputs.shape),
        )
    low, high = int(batches.targets.min()), int(batches.targets.max())
    if low < 0 or high >= count:
        odd = low if low < 0 else high
        raise FormatError(
            f"{split.title}: the label {odd} has no output, the model has {count}.",
            f"Count labels from 0, with one output each (this set has {len(split.info.classes)} classes).",
            label=odd,
            outputs=count,
        )


def check_frozen_body(model: nn.Module, body: nn.Module, batches: Batches) -> None:
    """Prove on two rows that ``head(body(x))`` is what the model computes.

    Raises:
        TrainingError: when it is not, so that features must not be computed once.
    """
    inputs, _ = batches.gather(np.arange(min(2, len(batches))))
    with evaluating(model), torch.no_grad():
        whole, parts = model(inputs), model.head(body(inputs))  # type: ignore[operator]
    if not torch.allclose(whole, parts, rtol=1e-3, atol=1e-4):
        raise TrainingError(
            f"{type(model).__name__}: head(frozen_body(x)) differs from the model by "
            f"{float((whole - parts).abs().max()):.3g}.",
            "Let frozen_body() return everything before the head, or None.",
        )


@torch.no_grad()
def _trial(model: nn.Module, inputs: Tensor, split: Split) -> Tensor:
    try:
        with evaluating(model):  # BatchNorm buffers and random numbers stay as they are
            return model(inputs)
    except RuntimeError as error:
        expected = _first_width(model)
        if expected is None or inputs.ndim < 2 or expected == inputs.shape[1]:
            raise
        kind = "channels" if inputs.ndim == 4 else "columns"
        raise FormatError(
            f"{split.title} has {inputs.shape[1]} {kind}, but the model's first layer takes {expected}.",
            f"Build the model for {inputs.shape[1]} {kind}.",
            found=inputs.shape[1],
            expected=expected,
        ) from error


def _first_width(model: nn.Module) -> int | None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            return module.in_channels
        if isinstance(module, nn.Linear):
            return module.in_features
    return None
