"""Which device, which precision, how many threads: chosen once, said in one line."""

import os

import torch
from lightning_fabric import Fabric

from teachkit.errors import SettingsError


def open_fabric(device: str = "auto", *, distributed: bool = True) -> Fabric:
    """Lightning Fabric on one device, or on every process that torchrun started.

    Args:
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        distributed: False keeps to this process, as predictions do.

    Returns:
        A launched Fabric, with bfloat16 autocast where the GPU computes in it natively, else float32.

    Raises:
        SettingsError: for a device that is unknown or not here.
    """
    name, _, index = device.partition(":")
    if name not in ("auto", "cpu", "cuda", "mps") or (index and not index.isdigit()):
        raise SettingsError(
            f"No device '{device}'.", 'Use "auto", "cpu", "cuda", "cuda:0" or "mps".', device=device
        )
    if (name == "cuda" and int(index or 0) >= torch.cuda.device_count()) or (
        name == "mps" and not torch.backends.mps.is_available()
    ):
        raise SettingsError(
            f"Device '{device}' is not here: torch sees {torch.cuda.device_count()} CUDA devices.",
            'Use device="auto", or check the driver with nvidia-smi.',
            device=device,
        )
    on_gpu = name == "cuda" or (name == "auto" and torch.cuda.is_available())
    native_bf16 = on_gpu and torch.cuda.is_bf16_supported(including_emulation=False)
    world, local = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    many = distributed and world > 1
    if many and on_gpu and local > torch.cuda.device_count():
        raise SettingsError(
            f"{local} processes were started on this machine, which has "
            f"{_count(torch.cuda.device_count(), 'GPU')}.",
            f'Start {torch.cuda.device_count()}, or use device="cpu".',
            processes=local,
        )
    fabric = Fabric(
        accelerator=name,
        devices=local if many else ([int(index)] if index else 1),
        num_nodes=world // local if many else 1,
        strategy="ddp" if many else "auto",
        precision="bf16-mixed" if native_bf16 else "32-true",
    )
    fabric.launch()
    return fabric


def first_process() -> bool:
    """Whether this process writes what all have found: the only one, or rank 0 of those of torchrun."""
    return int(os.environ.get("RANK", 0)) == 0


def device_summary(device: str = "auto") -> str:
    """One line for the first cell of a lesson: device, threads, precision.

    torch's thread count is left as the user set it; ``torch.set_num_threads(n)`` changes it.
    """
    fabric = open_fabric(device, distributed=False)
    if fabric.device.type == "cuda":
        gpu = torch.cuda.get_device_properties(fabric.device)
        place = f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB"
    else:
        place = f"{fabric.device.type.upper()}, {_count(torch.get_num_threads(), 'thread')}"
    precision = "bfloat16 autocast" if fabric._precision.precision == "bf16-mixed" else "float32"
    return f"{place}, {precision}, torch {torch.__version__.partition('+')[0]}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
