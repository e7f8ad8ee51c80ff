"""Which kernels JupyterLab offers, and which of them run this environment."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from teachkit.course.condition import Check
from teachkit.extras import need
from teachkit.ops.doctor.jupyter import prefix_of_program, server_environments

OWN_PYTHON = re.compile(r"python(\d(\.\d+)?)?")  # written so, it is the Python of the server itself
REGISTER = '{python} -m ipykernel install --user --name course --display-name "Course"'


@dataclass(frozen=True)
class Kernel:
    """One registered kernel, and the environment that it runs in; None when that is gone."""

    name: str
    environment: Path | None


def kernels_check() -> Check:
    """Whether every JupyterLab at work offers a kernel of this environment."""
    need("ipykernel", "lessons")
    here = Path(sys.prefix)
    blind = []
    found: list[Kernel] = []
    for server in server_environments():
        offered = list(_offered(server))
        found += [kernel for kernel in offered if kernel not in found]
        if not any(_is_here(kernel) for kernel in offered):
            blind.append(str(server))
    ours = sorted({kernel.name for kernel in found if _is_here(kernel)})
    other = sorted(
        f"{kernel.name} ({kernel.environment or 'gone'})" for kernel in found if not _is_here(kernel)
    )
    details = {"here": ours, "elsewhere": other, "environment": str(here)}
    register = REGISTER.format(python=sys.executable)
    if blind:
        return Check(
            "kernels",
            "problem",
            f"JupyterLab of {', '.join(blind)} offers no kernel of this environment ({here}).",
            f"Register it: {register}",
            details,
        )
    said = f"{', '.join(ours)}: of this environment ({here})."
    if gone := sorted(kernel.name for kernel in found if kernel.environment is None):
        remedy = f"Remove what is gone: jupyter kernelspec remove {' '.join(gone)}"
        return Check("kernels", "note", f"{said} Others: {', '.join(other)}.", remedy, details)
    return Check("kernels", "ok", f"{said} Others: {', '.join(other) or 'none'}.", details=details)


def _is_here(kernel: Kernel) -> bool:
    """Whether a kernel runs in the environment of this process, by whatever path."""
    return kernel.environment is not None and os.path.samefile(kernel.environment, sys.prefix)


def _offered(server: Path) -> Iterator[Kernel]:
    """The Python kernels that the JupyterLab of an environment finds; the first of a name counts."""
    paths = need("jupyter_core.paths", "lessons")
    around = [Path(folder) for folder in paths.jupyter_path("kernels")]
    # What lies in our environment is seen by our own server only, and the other way round.
    foreign = Path(sys.prefix) / "share" / "jupyter" / "kernels"
    own = server / "share" / "jupyter" / "kernels"
    folders = [folder for folder in around if folder != foreign or server == Path(sys.prefix)]
    seen: set[str] = set()
    for folder in [*folders, *([own] if own not in folders else [])]:
        for file in sorted(folder.glob("*/kernel.json")):
            name, program = file.parent.name.lower(), _program(file)
            if program and name not in seen:
                seen.add(name)
                yield Kernel(name, _environment(program, server))


def _program(file: Path) -> str:
    """What a kernel of Python starts with; "" for kernels of other languages and for damaged files."""
    try:
        spec = json.loads(file.read_text(encoding="utf-8"))
        return str(spec["argv"][0]) if spec["language"].lower() == "python" else ""
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return ""


def _environment(program: str, server: Path) -> Path | None:
    """The environment that a kernel runs in; None when its Python is gone."""
    if OWN_PYTHON.fullmatch(program):
        return server
    found = shutil.which(program)
    return prefix_of_program(found) if found else None
