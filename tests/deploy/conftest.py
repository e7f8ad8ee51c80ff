"""A machine like a new Workbench instance: a root of its own, a user jupyter, and nothing of the project."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

# What stands on the instance, and what our stand-ins do. They log how they were called.
GCLOUD = """#!/bin/bash
echo "gcloud $*" >>/log/calls
[[ "$1 $2 $3" == "storage cp --quiet" ]] || exit 2
exec cp "/bucket/${4#gs://}" "$5"
"""
RUNUSER = """#!/bin/bash
[[ "$1 $2 $3" == "-u jupyter --" ]] || exit 2
exec "${@:4}"
"""
SYSTEMCTL = """#!/bin/bash
echo "systemctl $*" >>/log/calls
"""
# An environment of conda that sees the packages of this test's environment: what the lock would install.
MICROMAMBA = """#!/bin/bash
echo "micromamba $*" >>/log/calls
[[ "$1 $2 $3 $4" == "create --yes --quiet --prefix" && $6 == --file && -f $7 ]] || exit 2
if [[ -e /log/network_breaks ]]; then mkdir -p "$5/bin"; echo "no network" >&2; exit 1; fi
PYTHON -m venv --without-pip "$5" && echo PACKAGES >"$5/PURELIB/packages.pth"
"""
JUPYTER_LAB = """#!/opt/server/bin/python
raise SystemExit("a stand-in")
"""
PACKAGES = sysconfig.get_paths()["purelib"]
PURELIB = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


@dataclass
class Instance:
    """`run()` starts the script as the instance would; `metadata` may be changed between two starts."""

    folder: Path
    script: Path
    metadata_host: str
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def bucket(self) -> Path:
        return self.folder / "bucket"

    @property
    def calls(self) -> list[str]:
        path = self.folder / "log" / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def new_system(self, pip: bool = False) -> None:
        """A new system's disk: JupyterLab's own environment as the image brings it, perhaps with pip."""
        server = self.folder / "opt" / "server"
        command = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(server)]
        subprocess.run(command, check=True)
        if pip:
            (server / PURELIB / "packages.pth").write_text(f"{PACKAGES}\n")

    def run(self) -> subprocess.CompletedProcess[str]:
        return self.inside("bash", "/script/post_startup.sh")

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine."""
        walls = ["bwrap", "--unshare-user", "--uid", "0", "--gid", "0", "--unshare-pid", "--die-with-parent"]
        walls += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", "/usr", "/usr"]
        for name in ("bin", "sbin", "lib", "lib64"):
            link = Path("/") / name
            if link.is_symlink():
                walls += ["--symlink", os.readlink(link), str(link)]
            elif link.is_dir():
                walls += ["--ro-bind", str(link), str(link)]
        for path in sorted({sys.prefix, sys.base_prefix} - {"/usr"}):
            walls += ["--ro-bind", path, path]
        walls += ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]
        for name, place in (("home", "/home/jupyter"), ("var", "/var"), ("opt", "/opt"), ("log", "/log")):
            walls += ["--bind", str(self.folder / name), place]
        for name in ("bucket", "fake"):
            walls += ["--ro-bind", str(self.folder / name), f"/{name}"]
        walls += ["--ro-bind", str(self.script.parent), "/script"]
        path = "/fake:/usr/sbin:/usr/bin:/sbin:/bin"
        walls += ["--clearenv", "--setenv", "PATH", path, "--setenv", "HOME", "/home/jupyter"]
        walls += ["--setenv", "GCE_METADATA_HOST", self.metadata_host, "--setenv", "LANG", "C.UTF-8"]
        return subprocess.run([*walls, "--", *command], capture_output=True, text=True, check=False)


@pytest.fixture
def instance(
    tmp_path: Path,
    root: Path,
    need_tool: Callable[..., str],
    serve: Callable[[type[BaseHTTPRequestHandler]], str],
) -> Instance:
    """A machine without a course, whose metadata server names a bucket."""
    for tool, package in (("bwrap", "bubblewrap"), ("curl", "curl"), ("git", "git"), ("pgrep", "procps")):
        need_tool(tool, package)
    made = Instance(tmp_path, root / "deploy" / "post_startup.sh", "")
    made.metadata = {
        "id": "1",
        "service-accounts/default/email": "vm@project.iam.gserviceaccount.com",
        "attributes/teachkit-course": "gs://uni/term/course",
        "attributes/idle-timeout-seconds": "3600",
    }
    made.metadata_host = serve(_metadata_server(made)).removeprefix("http://")
    for name in ("home", "var", "opt", "log", "bucket", "fake"):
        (tmp_path / name).mkdir()
    micromamba = MICROMAMBA.replace("PYTHON", sys.executable).replace("PACKAGES", PACKAGES)
    for name, text in {
        "gcloud": GCLOUD,
        "runuser": RUNUSER,
        "systemctl": SYSTEMCTL,
        "micromamba": micromamba.replace("PURELIB", PURELIB),
        "jupyter-lab": JUPYTER_LAB,
    }.items():
        (tmp_path / "fake" / name).write_text(text)
        (tmp_path / "fake" / name).chmod(0o755)
    made.new_system()
    return made


def _metadata_server(instance: Instance) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            value = instance.metadata.get(self.path.removeprefix("/computeMetadata/v1/instance/"))
            known = value is not None and self.headers["Metadata-Flavor"] == "Google"
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write((value or "").encode() if known else b"not found")

        def log_message(self, *_: Any) -> None:
            """Keep the test output clean."""

    return Handler


@pytest.fixture(scope="session")
def package_wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as students get it."""
    from teachkit.ops.bundle import build_wheel

    return build_wheel(root, tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def published(tmp_path: Path, root: Path, package_wheel: Path) -> Path:
    """A publication in short: what the script and a lesson need of it."""
    from teachkit.ops.bundle import MARK
    from teachkit.ops.git import git

    folder = tmp_path / "published"
    for name in ("environment.yml", "requirements.lock", "notebooks/course.toml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, folder / name)
    shutil.copyfile(root / "src/teachkit/ops/student/Makefile", folder / "Makefile")
    (folder / "notebooks" / "00_start_here.ipynb").write_text("{}\n")
    (folder / "quizzes").mkdir()
    (folder / "quizzes" / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "dl"\nc.Exchange.assignment_dir = __file__\n'
    )
    (folder / "wheel").mkdir()
    shutil.copyfile(package_wheel, folder / "wheel" / package_wheel.name)
    (folder / MARK).write_text("")
    git(folder, "init", "--quiet", "--initial-branch=main", "--template=")
    return folder


@pytest.fixture
def publish(instance: Instance, published: Path) -> Callable[[], None]:
    """`publish()` commits what is in `published` and hands it out through the bucket of the instance."""
    from teachkit.cloud.store import MemoryStore
    from teachkit.ops.git import git
    from teachkit.ops.handout import hand_out

    store = MemoryStore()

    def hand() -> None:
        git(published, "add", "--all", ".")
        git(published, "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "course")
        hand_out(published, "gs://uni/term/course", instance.script, store)
        for name, content in store.contents.items():
            path = instance.bucket / "uni" / "term" / "course" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return hand
