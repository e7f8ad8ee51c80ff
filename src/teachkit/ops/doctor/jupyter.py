"""From which environments JupyterLab runs: those of the servers at work, else this one."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from teachkit.extras import need

PARENT = "JPY_PARENT_PID"  # set in every kernel by the server that started it


def server_environments() -> list[Path]:
    """Prefixes of the environments of running servers; this one when none runs."""
    found = dict.fromkeys(prefix for pid in _server_processes() if (prefix := prefix_of_process(pid)))
    return list(found) or [Path(sys.prefix)]


def prefix_of_process(pid: int) -> Path | None:
    """The environment of a Python process, /opt/env for /opt/env/bin/python; None when it has ended."""
    psutil = need("psutil", "lessons")
    try:
        process = psutil.Process(pid)
        called = (process.cmdline() or [""])[0]
        return prefix_of_program(called if os.path.isabs(called) else process.exe())
    except psutil.Error:
        return None


def prefix_of_program(path: str) -> Path:
    """The environment that a Python belongs to. Links are kept: that of a venv points out of it."""
    return Path(os.path.abspath(path)).parent.parent


def _server_processes() -> Iterator[int]:
    if os.environ.get(PARENT, "").isdigit():
        yield int(os.environ[PARENT])
    runtime = Path(need("jupyter_core.paths", "lessons").jupyter_runtime_dir())
    for file in sorted(runtime.glob("jpserver-*.json")):
        try:
            yield int(json.loads(file.read_text(encoding="utf-8"))["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
