"""Where randomness comes from: one seed decides data order, augmentation, dropout and initial weights.

The generators restart at the first batch of every epoch from (seed, epoch, rank). So an epoch draws the same
numbers whether or not there was a validation, a checkpoint or a restart before it, and a checkpoint needs no
generator state.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def reseed(*entropy: int) -> None:
    """Restart the generators of Python, NumPy and torch from whole numbers, such as (seed, epoch)."""
    words = [int(word) for word in np.random.SeedSequence(entropy).generate_state(3)]
    random.seed(words[0])
    np.random.seed(words[1])  # noqa: NPY002  augmentations of other packages draw from the global stream
    torch.manual_seed(words[2])


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, everything random follows `seed`; afterwards all generators go on as if nothing had happened.

    Convolutions on CUDA use their repeatable algorithms inside.

    >>> with seeded(3):
    ...     first = torch.rand(2)
    >>> with seeded(3):
    ...     second = torch.rand(2)
    >>> bool((first == second).all())
    True
    """
    cudnn = torch.backends.cudnn
    kept_python, kept_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    kept_flags = (cudnn.deterministic, cudnn.benchmark)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        try:
            cudnn.deterministic, cudnn.benchmark = True, False
            reseed(seed)
            yield
        finally:
            random.setstate(kept_python)
            np.random.set_state(kept_numpy)  # noqa: NPY002
            cudnn.deterministic, cudnn.benchmark = kept_flags


def epoch_order(seed: int, epoch: int, rows: int) -> np.ndarray:
    """The order of the training rows in one epoch: int64 ``[rows]``, the same for every model."""
    return np.random.default_rng([seed, epoch]).permutation(rows)
