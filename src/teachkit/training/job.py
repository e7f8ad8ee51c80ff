"""What programs have in common that run without anybody watching, in one process or in several."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from teachkit.errors import TeachkitError
from teachkit.paths import atomic


@contextmanager
def said_once() -> Iterator[None]:
    """End the program with the sentence of an error, and leave the group of processes in any case."""
    try:
        yield
    except TeachkitError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    finally:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def write_results(path: Path, device: str, values: Mapping[str, Any]) -> None:
    """Write what a run found and where it ran, whole or not at all.

    Args:
        device: as it was named for the run.
        values: plain ones.
    """
    group = torch.distributed.is_available() and torch.distributed.is_initialized()
    where: dict[str, Any] = {
        "processes": torch.distributed.get_world_size() if group else 1,
        "torch": torch.__version__,
        "device": "cpu",
    }
    if device != "cpu" and torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(torch.cuda.current_device())
        where |= {"device": gpu.name, "gpu_peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2)}
    with atomic(path) as temporary:
        temporary.write_text(json.dumps({**values, "where": where}, indent=1) + "\n", encoding="utf-8")
