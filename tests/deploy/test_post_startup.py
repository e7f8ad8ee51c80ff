"""The start script of a Workbench instance, run as root in a machine of its own without the project."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ENVIRONMENT = "/home/jupyter/.teachkit/env/bin/python"
IDLE = "attributes/idle-timeout-seconds"
TERM = {
    "attributes/teachkit-data": "gs://uni/data",
    "attributes/teachkit-exchange": "gs://uni/term",
    "attributes/teachkit-student": "ada@x.org",
}
CONFIG = """
import os
from traitlets.config.loader import PyFileConfigLoader
c = PyFileConfigLoader("nbgrader_config.py", path="/home/jupyter/.jupyter").load_config()
print(c.CourseDirectory.course_id, os.environ["TEACHKIT_STUDENT"], c.Exchange.assignment_dir)
"""


@pytest.mark.slow
def test_an_instance_gets_ready_after_a_break_and_again_after_an_upgrade(
    instance: Any, published: Path, publish: Callable[[], None]
) -> None:
    publish()
    instance.metadata |= TERM
    failed = instance.home / "SETUP_FAILED.txt"

    (instance.home / "course.new" / "half").mkdir(parents=True)  # a clone that was cut off

    # the network breaks while the environment is made
    (instance.folder / "log" / "network_breaks").touch()
    broken = instance.run()
    assert broken.returncode == 1
    assert "failed while making the environment" in failed.read_text()
    log = (instance.home / ".teachkit" / "setup.log").read_text()
    assert "no network" in log
    assert log.count("FAILED") == 1
    assert not (instance.home / ".teachkit" / "ready").exists()

    # the next start goes on where that one ended; JupyterLab has no pip, and nobody set an idle shutdown
    (instance.folder / "log" / "network_breaks").unlink()
    del instance.metadata[IDLE]
    before = len(instance.calls)
    done = instance.run()
    assert done.returncode == 0, done.stdout + done.stderr
    tab, idle = [line for line in done.stdout.splitlines() if "WARNING" in line]
    assert "nbgrader does not fit into JupyterLab's environment" in tab
    assert "the machine may run, and cost, for hours after class" in idle
    assert "Ready, 2 warnings" in done.stdout
    assert not failed.exists()
    assert not (instance.home / "course.new").exists()
    assert [call.split()[0] for call in instance.calls[before:]] == ["gcloud", "micromamba"]
    _check_environment(instance)

    # an upgrade replaces the system's disk, by one with pip; a newer publication is there, and the student
    # has worked: root takes nothing of that, and changes nothing of it
    mine = instance.home / "course" / "notebooks" / "00_start_here.ipynb"
    mine.write_text('{"mine": 1}\n')
    (wheel,) = (instance.home / "course" / "wheel").glob("*.whl")
    wheel.write_bytes(b"the student's own")
    (instance.home / "course" / "pip.py").write_text("open('/log/as_root', 'w')")
    (instance.home / ".teachkit" / "env" / "teachkit.wheel").write_text(_sum(wheel))
    (published / "notebooks" / "00_start_here.ipynb").write_text('{"corrected": 1}\n')
    publish()
    shutil.rmtree(instance.folder / "var" / "cache")
    instance.new_system(pip=True)
    instance.metadata[IDLE] = "3600"
    before = len(instance.calls)
    done = instance.run()
    assert "Ready, 0 warnings" in done.stdout
    assert "stops by itself after 60 idle minutes" in done.stdout
    assert [call.split()[0] for call in instance.calls[before:]] == ["gcloud", "gcloud", "systemctl"]
    assert not (instance.folder / "log" / "as_root").exists()
    assert mine.read_text() == '{"mine": 1}\n'
    newest = "origin/main:notebooks/00_start_here.ipynb"
    shown = instance.inside("git", "-C", "/home/jupyter/course", "show", newest)
    assert shown.stdout == '{"corrected": 1}\n'
    served = instance.inside("/opt/server/bin/python", "-c", "import teachkit; print(teachkit.__file__)")
    assert served.stdout.startswith("/opt/server/")
    config = instance.inside("/opt/server/bin/python", "-c", CONFIG).stdout
    assert config.split() == ["dl", "ada@x.org", "/home/jupyter/course/quizzes/nbgrader_config.py"]

    # one more start does nothing again
    before, stamps = len(instance.calls), _times(instance.home / ".teachkit" / "env")
    assert instance.run().returncode == 0
    assert [call for call in instance.calls[before:] if "course.sha256" not in call] == []
    assert _times(instance.home / ".teachkit" / "env") == stamps
    assert (instance.home / ".bashrc").read_text().count("settings.sh") == 1


def _check_environment(instance: Any) -> None:
    """Kernels and terminals find the package of the bundle and this student's settings; make is done."""
    said = instance.inside(ENVIRONMENT, "-c", "import teachkit; print(teachkit.__file__)").stdout
    assert said.startswith("/home/jupyter/.teachkit/env/")
    for name in ("course", "python3"):
        kernel = json.loads(
            (instance.home / ".local/share/jupyter/kernels" / name / "kernel.json").read_text()
        )
        assert kernel["argv"][0] == ENVIRONMENT
        assert kernel["env"]["TEACHKIT_STUDENT"] == "ada@x.org"
        assert kernel["env"]["TEACHKIT_BUCKET"] == "gs://uni/data"
        assert kernel["env"]["PATH"].startswith("/home/jupyter/.teachkit/env/bin:")
    shell = instance.inside("bash", "-c", ". ~/.bashrc; echo $TEACHKIT_EXCHANGE; command -v teachkit").stdout
    assert shell.split() == ["gs://uni/term", "/home/jupyter/.teachkit/env/bin/teachkit"]
    assert instance.inside("make", "-C", "/home/jupyter/course", "-q", ".venv/ready").returncode == 0
    assert (instance.home / "course" / ".venv").readlink() == Path("/home/jupyter/.teachkit/env")


def _sum(path: Path) -> str:
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()}  -\n"


def _times(folder: Path) -> dict[str, float]:
    return {
        str(path): path.lstat().st_mtime
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts and path.name not in {"ready"} and not path.is_dir()
    }


def test_a_folder_of_that_name_without_a_course_is_left_alone(
    instance: Any, publish: Callable[[], None]
) -> None:
    publish()
    (instance.home / "course").mkdir()
    (instance.home / "course" / "thesis.tex").write_text("precious")
    assert instance.run().returncode == 1
    assert (
        "/home/jupyter/course is there and holds no course"
        in (instance.home / "SETUP_FAILED.txt").read_text()
    )
    assert [path.name for path in (instance.home / "course").iterdir()] == ["thesis.tex"]


def test_a_damaged_bundle_is_refused_and_the_file_says_what_to_do(
    instance: Any, publish: Callable[[], None]
) -> None:
    publish()
    (bundle,) = (instance.bucket / "uni" / "term" / "course").glob("*.bundle")
    bundle.write_bytes(bundle.read_bytes()[:-1])
    done = instance.run()
    assert done.returncode == 1
    told = (instance.home / "SETUP_FAILED.txt").read_text()
    assert "fetching the course" in told
    assert "is damaged" in told
    assert not (instance.home / "course").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"attributes/teachkit-course": None}, "teachkit-course is ''"),
        (
            {"attributes/teachkit-course": "gs://uni/elsewhere"},
            "gs://uni/elsewhere/course.sha256 cannot be read",
        ),
        ({"attributes/teachkit-student": "x; touch ~/stolen"}, "teachkit-student holds odd characters"),
        ({"id": None}, "does not answer"),
    ],
    ids=["no course named", "another bucket", "a setting that a shell would run", "no metadata server"],
)
def test_what_is_wrong_with_the_metadata_is_said(
    instance: Any, publish: Callable[[], None], changes: dict[str, str | None], told: str
) -> None:
    publish()
    instance.metadata = {k: v for k, v in (instance.metadata | changes).items() if v is not None}
    done = instance.run()
    assert done.returncode == 1
    assert told in (instance.home / "SETUP_FAILED.txt").read_text()


def test_a_second_setup_at_the_same_time_does_nothing(instance: Any, publish: Callable[[], None]) -> None:
    publish()
    held = "mkdir -p /var/cache/teachkit; flock /var/cache/teachkit/lock bash /script/post_startup.sh"
    done = instance.inside("bash", "-c", held)
    assert done.returncode == 0
    assert "running already" in done.stderr
    assert not (instance.home / "course").exists()


def test_the_shell_scripts_are_clean(root: Path) -> None:
    scripts = [str(root / ".ci" / "run"), *map(str, (root / "deploy").rglob("*.sh"))]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("shellcheck")), *scripts],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
