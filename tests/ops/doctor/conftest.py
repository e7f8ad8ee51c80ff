"""A machine on which Jupyter knows nothing, and small environments for its servers."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from teachkit.ops.doctor import extensions

OURS = Path(sys.prefix)


@pytest.fixture
def bare_jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Jupyter's folders of the user, empty; the environment at work stays as it is."""
    home = tmp_path / "jupyter"
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        monkeypatch.setenv(f"JUPYTER_{name}", str(home / name))
        (home / name).mkdir(parents=True)
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(extensions, "SYSTEM", ())
    return home


@pytest.fixture
def kernel() -> Callable[..., None]:
    """`kernel(folder, name, program)` registers a kernel below ``folder/kernels``."""

    def register(folder: Path, name: str, program: str, language: str = "python") -> None:
        target = folder / "kernels" / name / "kernel.json"
        target.parent.mkdir(parents=True)
        argv = [program, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        target.write_text(json.dumps({"argv": argv, "display_name": name, "language": language}))

    return register
