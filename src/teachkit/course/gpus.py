"""NVIDIA's GPUs and the build of torch, asked of files and of nvidia-smi; torch itself is not imported."""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

DRIVER_FILE = Path("/proc/driver/nvidia/version")
CARDS = Path("/proc/driver/nvidia/gpus")
DEVICES = Path("/sys/bus/pci/devices")
NVIDIA = "0x10de"
DISPLAY = "0x03"  # class of graphics cards and 3D controllers
PATIENCE_S = 15.0
QUESTION = ("name", "driver_version", "memory.total", "memory.free", "compute_cap")


@dataclass(frozen=True)
class Gpu:
    """One GPU. Memory in GiB and the compute capability are None when only the driver's files were read."""

    name: str
    total_gib: float | None = None
    free_gib: float | None = None
    capability: tuple[int, int] | None = None


@dataclass(frozen=True)
class Driver:
    """NVIDIA's driver: its version ("" when none answers), its GPUs, and whether any such card is here."""

    version: str = ""
    gpus: tuple[Gpu, ...] = ()
    card: bool = False

    @property
    def major(self) -> int:
        """580 of "580.65.06"; 0 without a driver."""
        return int(self.version.partition(".")[0] or 0)


@dataclass(frozen=True)
class Build:
    """The torch that is installed: version and the CUDA it was built for; "" for none."""

    version: str = ""
    cuda: str = ""


def quick_driver() -> Driver:
    """What the driver's own files say; nvidia-smi is only started where there are no such files."""
    try:
        found = re.search(r"\b\d{3}\.\d+(\.\d+)?\b", DRIVER_FILE.read_text(encoding="utf-8"))
    except OSError:
        return full_driver()
    texts = (file.read_text(encoding="utf-8") for file in sorted(CARDS.glob("*/information")))
    models = (re.search(r"^Model:\s*(.+?)\s*$", text, re.MULTILINE) for text in texts)
    return Driver(found[0] if found else "", tuple(Gpu(model[1]) for model in models if model), card=True)


def full_driver() -> Driver:
    """What nvidia-smi says about driver, GPUs, memory and compute capability."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return Driver(card=_card())
    try:
        done = subprocess.run(
            [program, f"--query-gpu={','.join(QUESTION)}", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Driver(card=_card())
    rows = [[part.strip() for part in line.split(",")] for line in done.stdout.splitlines()]
    rows = [row for row in rows if len(row) == len(QUESTION)]
    if done.returncode or not rows:
        return Driver(card=_card())
    return Driver(rows[0][1], tuple(_gpu(row) for row in rows), card=True)


def torch_build() -> Build:
    """The version and CUDA of the installed torch, from its own version file."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return Build()
    try:
        text = (Path(spec.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return Build()
    version = re.search(r"^__version__\s*=\s*['\"]([^'\"]+)", text, re.MULTILINE)
    cuda = re.search(r"^cuda\b[^=]*=\s*['\"]([^'\"]+)", text, re.MULTILINE)
    return Build(version[1] if version else "", cuda[1] if cuda else "")


def _gpu(row: list[str]) -> Gpu:
    name, _, total, free, capability = row
    found = re.fullmatch(r"(\d+)\.(\d+)", capability)
    return Gpu(
        name,
        _gib(total),
        _gib(free),
        (int(found[1]), int(found[2])) if found else None,
    )


def _gib(mebibytes: str) -> float | None:
    """Some GPUs share the machine's memory, and nvidia-smi writes [N/A]."""
    return float(mebibytes) / 1024 if mebibytes.replace(".", "", 1).isdigit() else None


def _card() -> bool:
    """Whether the machine holds a card of NVIDIA, with or without a driver."""
    for device in DEVICES.glob("*"):
        try:
            vendor = (device / "vendor").read_text(encoding="utf-8").strip()
            kind = (device / "class").read_text(encoding="utf-8").strip()
        except OSError:
            continue
        if vendor == NVIDIA and kind.startswith(DISPLAY):
            return True
    return False
