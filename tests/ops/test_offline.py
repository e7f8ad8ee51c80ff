"""The course on a stick: what is on it, and an installation behind a wall without a network."""

import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from teachkit.errors import FetchError, FormatError, SettingsError, UnknownNameError
from teachkit.ops.bundle import MARK
from teachkit.ops.git import git
from teachkit.ops.offline import write_stick
from teachkit.ops.offline.install import digest_of
from teachkit.ops.offline.wheels import needed

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
LOCK = """\
one==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
two==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:cc
three==3.0 ; python_full_version < '3.12' \\
    --hash=sha256:dd
five==5.0 ; python_full_version >= '3.11.5' \
    --hash=sha256:ff
four==4.0 ; platform_machine == 'arm64' \\
    --hash=sha256:ee
"""


def wheel(folder: Path, name: str, code: str = "", version: str = "1.0", about: str = "") -> Path:
    """A package of one module."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    place = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", code)
        archive.writestr(
            f"{place}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{about}"
        )
        archive.writestr(f"{place}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{place}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the package index: pip asks nobody else."""
    folder = tmp_path / "index"
    wheel(folder, "alpha", "VALUE = 1")
    wheel(folder, "beta")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def publication(tmp_path: Path, index: Path, root: Path) -> Path:
    """A small students' copy: two packages, one of them for Windows only."""
    folder = tmp_path / "students"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "notebooks" / "course.toml").write_bytes((root / "notebooks" / "course.toml").read_bytes())
    (folder / MARK).write_text("")
    asks = {"1.0": "", "2.0": f"Requires-Python: >={HERE}.5\n"}
    gammas = {
        version: digest_of(wheel(index, "gamma", version=version, about=about))
        for version, about in asks.items()
    }
    lines = [
        f"gamma==1.0 ; python_full_version < '{HERE}.5' --hash=sha256:{gammas['1.0']}",
        f"gamma==2.0 ; python_full_version >= '{HERE}.5' --hash=sha256:{gammas['2.0']}",
        f"alpha==1.0 --hash=sha256:{digest_of(index / 'alpha-1.0-py3-none-any.whl')}",
        f"beta==1.0 ; sys_platform == 'win32' --hash=sha256:{digest_of(index / 'beta-1.0-py3-none-any.whl')}",
    ]
    (folder / "requirements.lock").write_text("\n".join(lines))
    wheel(folder / "wheel", "teachkit", "import alpha").rename(
        folder / "wheel" / "teachkit-1.0-py3-none-any.whl"
    )
    git(folder, "init", "--quiet", "--initial-branch=main", "--template=")
    git(folder, "add", "--all", ".")
    git(folder, "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "course")
    return folder


@pytest.fixture
def sets(tmp_path: Path, real_data: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source with one official set."""
    folder = tmp_path / "sets"
    folder.mkdir()
    (folder / "breastmnist.npz").write_bytes((real_data / "medmnist" / "breastmnist.npz").read_bytes())
    for part in ("images", "masks"):
        (folder / "nuclei" / part).mkdir(parents=True)
        (folder / "nuclei" / part / "one.png").write_bytes(b"a picture")
        (folder / "nuclei" / part).chmod(0o555)  # what is given to us may be read-only
    monkeypatch.setenv("TEACHKIT_DATA", str(folder))
    return folder


@pytest.mark.parametrize(
    ("kind", "python", "patch", "names"),
    [
        ("linux", "3.12", 0, ["one", "five"]),
        ("linux", "3.11", 0, ["one", "three"]),
        ("linux", "3.11", 9, ["one", "three", "five"]),
        ("windows", "3.12", 0, ["one", "two", "five"]),
        ("macos", "3.12", 0, ["one", "five", "four"]),
    ],
)
def test_a_machine_gets_what_its_markers_ask_for(
    kind: str, python: str, patch: int, names: list[str]
) -> None:
    found = needed(LOCK, kind, python, patch)
    assert [line.split("==")[0] for line in found] == names
    assert found[0] == "one==1.0 --hash=sha256:aa --hash=sha256:bb"


def test_the_lock_of_the_course_is_understood(root: Path) -> None:
    lock = (root / "requirements.lock").read_text()
    linux, windows = (needed(lock, kind, "3.12", 0) for kind in ("linux", "windows"))
    assert len(linux) > 250
    assert any(line.startswith("nvidia-cudnn") for line in linux)
    assert not any(line.startswith("nvidia-") for line in windows)
    assert any(line.startswith("pywinpty==") for line in windows)
    assert len([line for line in linux if line.startswith("numpy==")]) == 1


def test_unknown_kinds_versions_and_entries_without_a_hash_are_named() -> None:
    with pytest.raises(UnknownNameError, match="'windows'"):
        needed(LOCK, "window", "3.12", 0)
    with pytest.raises(UnknownNameError, match=r"Python 3\.9"):
        needed(LOCK, "linux", "3.9", 0)
    with pytest.raises(FormatError, match="five==5"):
        needed("five==5.0\n", "linux", "3.12", 0)


def walled(stick: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """The installer on a machine without a network, which sees the stick, its Python and a new folder."""
    target.mkdir(exist_ok=True)
    walls = [
        "bwrap",
        "--unshare-all",
        "--die-with-parent",
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
    ]
    walls += ["--tmpfs", "/tmp", "--ro-bind", str(stick), "/tmp/stick", "--bind", str(target), "/tmp/target"]
    python = Path(sys.base_prefix) / "bin" / f"python{HERE}"
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/tmp"}
    return subprocess.run(
        [*walls, str(python), "/tmp/stick/install.py", "/tmp/target"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_machine_without_a_network_installs_course_packages_and_data(
    need_tool: Callable[..., str], publication: Path, sets: Path, root: Path, tmp_path: Path
) -> None:
    need_tool("bwrap", "bubblewrap")
    git(publication, "remote", "add", "origin", "https://example.org/course")
    wheel(tmp_path / "stick" / "wheels", "alpha", version="0.9")  # left by an older lock
    stick = write_stick(root, tmp_path / "stick", publication=publication, python=HERE)
    packed = sorted(path.name.split("-py3")[0] for path in (tmp_path / "stick" / "wheels").iterdir())
    assert packed == ["alpha-1.0", "gamma-1.0", "gamma-2.0"]  # two for machines with two patches of Python
    assert stick.sets == ("breastmnist", "nuclei")
    assert "CC BY 4.0" in (tmp_path / "stick" / "data" / "LICENCES.md").read_text()

    target = tmp_path / "target"
    done = walled(tmp_path / "stick", target)
    assert done.returncode == 0, done.stdout + done.stderr
    python = target / "course" / ".venv" / "lib" / f"python{HERE}" / "site-packages"
    assert (python / "teachkit.py").read_text() == "import alpha"
    assert (python / "alpha.py").read_text() == "VALUE = 1"
    assert not (python / "beta.py").exists()
    arrays = np.load(target / "data" / "breastmnist.npz")
    assert len(arrays["test_images"]) == 156
    for place in (tmp_path / "stick" / "data", target / "data"):
        assert (place / "nuclei" / "images" / "one.png").read_bytes() == b"a picture"
        assert (place / "nuclei" / "images").stat().st_mode & stat.S_IWUSR
    assert git(target / "course", "remote", "get-url", "origin").strip() == "https://example.org/course"
    assert git(target / "course", "status", "--porcelain", "--", "notebooks") == ""
    assert (target / "start.py").is_file()

    # start.py opens the lessons with the data of the stick; what is set already stays
    programs = target / "course" / ".venv" / "bin"
    (programs / "jupyter").write_text("#!/bin/sh\necho $TEACHKIT_DATA $JUPYTER_CONFIG_PATH $PWD $*\n")
    (programs / "jupyter").chmod(0o755)
    told = started(target)
    assert told == [str(target / name) for name in ("data", "course/quizzes", "course")] + [
        "lab",
        "--no-browser",
    ]
    assert started(target, TEACHKIT_DATA="/mine")[0] == "/mine"

    # again: what a student wrote stays
    (target / "course" / "notebooks" / "mine.txt").write_text("precious")
    assert walled(tmp_path / "stick", target).returncode == 0
    assert (target / "course" / "notebooks" / "mine.txt").read_text() == "precious"


def started(target: Path, **settings: str) -> list[str]:
    """What the JupyterLab that start.py opens is told."""
    command = [sys.executable, str(target / "start.py"), "--no-browser"]
    done = subprocess.run(
        command, env={"PATH": "/usr/bin:/bin", **settings}, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.fixture
def stick(publication: Path, root: Path, tmp_path: Path, offline: Path) -> Path:
    """A stick without data sets."""
    write_stick(root, tmp_path / "stick", publication=publication, python=HERE)
    return tmp_path / "stick"


def refused(stick: Path, target: Path) -> str:
    """What the installer says when it installs nothing."""
    done = subprocess.run(
        [sys.executable, str(stick / "install.py"), str(target)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PIP_NO_INDEX": "1"},
    )
    assert done.returncode == 1
    assert not target.exists()
    return done.stderr


def test_a_damaged_missing_or_unfinished_stick_installs_nothing(stick: Path, tmp_path: Path) -> None:
    path = stick / "wheels" / "alpha-1.0-py3-none-any.whl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert f"wheels/{path.name} is damaged" in refused(stick, tmp_path / "new")
    path.unlink()
    assert f"wheels/{path.name} is not on this stick" in refused(stick, tmp_path / "new")
    path.write_bytes(whole)
    (stick / "SHA256SUMS").unlink()
    assert "not written to its end" in refused(stick, tmp_path / "new")


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ({"python": "3.99"}, "is for Python 3.99"),
        ({"kinds": ["windows"]}, "is for windows"),
        ({"installed_bytes": 2**60}, "GiB left"),
    ],
    ids=["python", "kind", "disk"],
)
def test_another_machine_than_the_stick_is_for_is_told(
    stick: Path, tmp_path: Path, fact: dict[str, object], told: str
) -> None:
    facts = json.loads((stick / "stick.json").read_text()) | fact
    (stick / "stick.json").write_text(json.dumps(facts))
    assert told in refused(stick, tmp_path / "new")


def test_a_package_that_cannot_be_fetched_leaves_no_stick_that_installs(
    publication: Path, index: Path, root: Path, tmp_path: Path, offline: Path
) -> None:
    (index / "alpha-1.0-py3-none-any.whl").unlink()
    with pytest.raises(FetchError, match="alpha"):
        write_stick(root, tmp_path / "stick", publication=publication, python=HERE)
    assert not (tmp_path / "stick" / "SHA256SUMS").exists()


def test_a_set_that_may_not_be_given_away_is_refused(
    publication: Path, root: Path, tmp_path: Path, offline: Path
) -> None:
    with pytest.raises(SettingsError, match=r"'skin' may not be given away.*not stated"):
        write_stick(root, tmp_path / "stick", publication=publication, python=HERE, data=["skin"])


def test_a_folder_with_other_things_is_left_alone(root: Path, tmp_path: Path, offline: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(SettingsError, match=r"holds 'holiday\.jpg'"):
        write_stick(root, tmp_path)
