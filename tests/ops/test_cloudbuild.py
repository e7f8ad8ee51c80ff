"""cloudbuild.yaml agrees with course.toml and with three independent descriptions of a build."""

import copy
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.cloud.devtools import cloudbuild_v1
from google.protobuf import json_format

from teachkit.course.declaration import read_course
from teachkit.ops import cloudbuild


@pytest.fixture
def content(root: Path) -> dict[str, Any]:
    return yaml.safe_load((root / "cloudbuild.yaml").read_text())


@pytest.fixture(params=[cloudbuild.FILE, cloudbuild.LOCK_FILE], ids=["each commit", "weekly lock"])
def either(request: pytest.FixtureRequest, root: Path) -> Path:
    """One of the two generated files."""
    return root / request.param


def test_the_committed_file_is_what_course_toml_asks_for(root: Path) -> None:
    assert cloudbuild.drift(root) == []


def test_a_drifted_or_missing_file_is_named_with_the_command(root: Path, tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "course.toml").write_bytes((root / "notebooks" / "course.toml").read_bytes())
    found = cloudbuild.drift(tmp_path)
    assert len(found) == 2
    assert all("python -m teachkit.ops.cloudbuild" in sentence for sentence in found)
    for path, text in cloudbuild.texts(read_course(tmp_path)).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert cloudbuild.drift(tmp_path) == []
    (tmp_path / "cloudbuild.yaml").write_text((tmp_path / "cloudbuild.yaml").read_text() + "\n# by hand\n")
    assert len(cloudbuild.drift(tmp_path)) == 1


def test_it_parses_into_the_build_message_of_google(either: Path) -> None:
    content = yaml.safe_load(either.read_text())
    build = cloudbuild_v1.Build(json_format.ParseDict(content, cloudbuild_v1.Build.pb()()))
    assert [step.id for step in build.steps[:2]] == ["restore", "setup"]
    assert build.options.machine_type == cloudbuild_v1.BuildOptions.MachineType.E2_HIGHCPU_8
    assert 0 < build.timeout.total_seconds() <= 24 * 3600


def test_the_message_refuses_a_misspelt_key(content: dict[str, Any]) -> None:
    content["steps"][0]["waitfor"] = ["-"]
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict(content, cloudbuild_v1.Build.pb()())


def test_it_follows_the_published_schema(either: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.cloudbuild"]
    checked = subprocess.run([*command, str(either)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_each_lesson_is_one_parallel_step_that_may_fail(root: Path, content: dict[str, Any]) -> None:
    steps = {step["id"]: step for step in content["steps"]}
    for lesson in read_course(root).lessons:
        step = steps[f"lesson-{lesson.id}"]
        assert step["allowFailure"] is True
        assert step["args"] == ["run", f"ARGS={lesson.id} --no-report"]
        assert step["waitFor"] == ["setup", *(f"lesson-{other}" for other in lesson.results_from)]
    last = content["steps"][-1]
    assert "allowFailure" not in last
    assert set(last["waitFor"]) == set(steps) - {"restore", "setup", "save", "report"}


def test_quizzes_and_the_site_are_tested_and_no_test_runs_twice(content: dict[str, Any]) -> None:
    command = {step["id"]: step["args"][-1] for step in content["steps"]}
    assert "teachkit quiz check" in command["quizzes"]
    for folder in cloudbuild.SITE_TESTS:
        assert f" {folder}" in command["site"]
        assert f"--ignore={folder}" in command["tests"]


def test_the_report_looks_for_the_mark_of_every_step_that_leaves_one(content: dict[str, Any]) -> None:
    marked = {
        match[1]
        for step in content["steps"]
        if (match := re.search(r"touch build/(\S+)\.passed", " ".join(step["args"])))
    }
    assert marked == {"check", "quizzes", "core-only", "tests", "site"}
    assert set(content["steps"][-1]["args"][5:]) == marked | {"gpu"}


def test_a_gpu_runs_last_and_only_when_a_substitution_names_it(content: dict[str, Any]) -> None:
    assert content["substitutions"]["_GPU"] == "none"
    *others, gpu, report = content["steps"]
    assert (gpu["id"], report["id"]) == ("gpu", "report")
    assert set(gpu["waitFor"]) == {step["id"] for step in others} - {"restore", "setup", "save"}


def test_ids_waiting_and_substitutions_are_sound(either: Path) -> None:
    assert cloudbuild.problems(yaml.safe_load(either.read_text())) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda c: c["steps"].append(c["steps"][0]), "Two steps have the id 'restore'"),
        (lambda c: c["steps"][3]["waitFor"].append("gone"), "waits for 'gone'"),
        (lambda c: c["steps"][0]["waitFor"].append("report"), "waits for 'report', which is no earlier step"),
        (lambda c: c["substitutions"].pop("_BUCKET"), "_BUCKET} is used but not declared"),
        (lambda c: c["substitutions"].update(_OLD="1"), "_OLD is declared but not used"),
        (lambda c: c["steps"][0]["args"].append("$HOME"), "HOME} is used but not declared"),
    ],
)
def test_a_fault_that_the_schemas_do_not_see_is_named(
    content: dict[str, Any], change, complaint: str
) -> None:
    spoilt = copy.deepcopy(content)
    change(spoilt)
    assert any(complaint in problem for problem in cloudbuild.problems(spoilt))


def test_a_new_lesson_needs_no_edit_of_the_generator(root: Path, tmp_path: Path) -> None:
    text = (root / "notebooks" / "course.toml").read_text()
    table = text.split("\n[[lesson]]\n")[1]
    added = table.replace('id = "00"', 'id = "77"').replace("00_start_here", "77_new")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "course.toml").write_text(f"{text}\n[[lesson]]\n{added}")
    assert "lesson-77" in [step["id"] for step in cloudbuild.build(read_course(tmp_path))["steps"]]


# --- the environment that is kept under the hash of the lock ------------------------------------------------

GCLOUD = """#!/bin/bash
# cp FROM TO and ls for one bucket that is a folder; "-" is the pipe; a precondition of 0 replaces nothing
shift; verb=$1; shift
[[ $verb == ls ]] && exec test -e "bucket/${1##*/}"
[[ $1 == --if-generation-match=0 ]] && { [[ -e bucket/${3##*/} ]] && exit 1; exec cat >"bucket/${3##*/}"; }
exec cat "bucket/${1##*/}"
"""


@pytest.fixture
def machine(tmp_path: Path, content: dict[str, Any]) -> Callable[[str], str]:
    """`machine("save")` runs that step in a folder with a lock, a `gcloud` and a bucket; what it prints."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bucket").mkdir()
    (tmp_path / "bin" / "gcloud").write_text(GCLOUD)
    (tmp_path / "bin" / "gcloud").chmod(0o755)
    (tmp_path / "requirements.lock").write_text("one==1.0\n")
    scripts = {step["id"]: step["args"][-1] for step in content["steps"]}

    def run(step: str) -> str:
        text = scripts[step].replace("${_BUCKET}", "gs://uni").replace("$$", "$")
        environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", text], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_an_environment_is_kept_once_and_restored_for_the_same_lock(
    machine: Callable[[str], str], tmp_path: Path
) -> None:
    assert "no environment is kept" in machine("restore")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "package").write_text("installed")
    machine("save")
    (kept,) = (tmp_path / "bucket").iterdir()
    first = kept.read_bytes()
    (tmp_path / ".venv" / "package").write_text("changed")
    assert "kept already" in machine("save")
    assert kept.read_bytes() == first
    shutil.rmtree(tmp_path / ".venv")
    assert "restored from" in machine("restore")
    assert (tmp_path / ".venv" / "package").read_text() == "installed"
    (tmp_path / "requirements.lock").write_text("one==2.0\n")
    assert "no environment is kept" in machine("restore")


def test_half_an_environment_is_not_used(machine: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "package").write_bytes(os.urandom(50_000))
    machine("save")
    (kept,) = (tmp_path / "bucket").iterdir()
    kept.write_bytes(kept.read_bytes()[:30_000])
    shutil.rmtree(tmp_path / ".venv")
    assert "no environment is kept" in machine("restore")
    assert not (tmp_path / ".venv").exists()
