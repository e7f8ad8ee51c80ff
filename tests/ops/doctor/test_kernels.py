"""A kernel counts when it runs this environment and the JupyterLab at work can see it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from teachkit.ops.doctor import jupyter
from teachkit.ops.doctor.kernels import kernels_check

OURS = Path(sys.prefix)


@pytest.fixture
def foreign_server(tmp_path: Path, bare_jupyter: Path) -> Iterator[Path]:
    """A running server of another environment, as Jupyter's runtime folder tells it; gives its prefix."""
    prefix = tmp_path / "server"
    (prefix / "bin").mkdir(parents=True)
    program = prefix / "bin" / "python"
    program.symlink_to(sys.executable)
    with subprocess.Popen([str(program), "-c", "import time; time.sleep(60)"]) as server:
        record = bare_jupyter / "RUNTIME_DIR" / f"jpserver-{server.pid}.json"
        record.write_text(json.dumps({"pid": server.pid, "port": 1}))
        yield prefix
        server.kill()


def test_without_a_server_this_environment_counts(bare_jupyter: Path) -> None:
    assert jupyter.server_environments() == [OURS]
    found = kernels_check()
    assert found.state == "ok"
    assert found.details["here"] == ["python3", "teachkit-box"]


def test_a_record_of_a_server_that_has_ended_is_passed_over(bare_jupyter: Path) -> None:
    runtime = bare_jupyter / "RUNTIME_DIR"
    (runtime / "jpserver-1.json").write_text(json.dumps({"pid": 2**22 - 1}))
    (runtime / "jpserver-2.json").write_text("{")
    assert jupyter.server_environments() == [OURS]


def test_in_a_kernel_its_own_server_is_asked(
    foreign_server: Path, bare_jupyter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (record,) = (bare_jupyter / "RUNTIME_DIR").iterdir()
    pid = json.loads(record.read_text())["pid"]
    record.unlink()
    monkeypatch.setenv("JPY_PARENT_PID", str(pid))
    assert jupyter.server_environments() == [foreign_server]


def test_a_server_elsewhere_does_not_see_the_kernels_that_lie_here(foreign_server: Path) -> None:
    found = kernels_check()
    assert found.state == "problem"
    assert str(foreign_server) in found.found
    assert f"{sys.executable} -m ipykernel install --user" in found.remedy


def test_a_kernel_in_the_users_folder_is_seen_by_all(
    foreign_server: Path, bare_jupyter: Path, kernel: Callable[..., None]
) -> None:
    kernel(bare_jupyter / "DATA_DIR", "course", sys.executable)
    found = kernels_check()
    assert (found.state, found.details["here"]) == ("ok", ["course"])


def test_a_bare_python_is_that_of_the_server(
    foreign_server: Path, bare_jupyter: Path, kernel: Callable[..., None]
) -> None:
    kernel(bare_jupyter / "DATA_DIR", "course", "python3")
    found = kernels_check()
    assert found.state == "problem"
    assert found.details["elsewhere"] == [f"course ({foreign_server})"]


def test_a_kernel_in_the_servers_own_environment_counts(
    foreign_server: Path, kernel: Callable[..., None]
) -> None:
    kernel(foreign_server / "share" / "jupyter", "course", sys.executable)
    assert kernels_check().details["here"] == ["course"]


def test_a_kernel_whose_python_is_gone_is_a_note_with_the_command(
    bare_jupyter: Path, kernel: Callable[..., None]
) -> None:
    kernel(bare_jupyter / "DATA_DIR", "old", "/gone/bin/python")
    kernel(bare_jupyter / "DATA_DIR", "r", "/gone/R", language="R")
    found = kernels_check()
    assert found.state == "note"
    assert "old (gone)" in found.found
    assert found.remedy.endswith("jupyter kernelspec remove old")


def test_the_kernels_are_those_that_jupyter_finds(bare_jupyter: Path, kernel: Callable[..., None]) -> None:
    from jupyter_client.kernelspec import KernelSpecManager

    kernel(bare_jupyter / "DATA_DIR", "course", sys.executable)
    known = KernelSpecManager().get_all_specs()
    found = kernels_check()
    assert {"course", "python3", "teachkit-box"} <= set(found.details["here"]) <= set(known)
    assert os.path.samefile(known["course"]["spec"]["argv"][0], sys.executable)
