"""The triggers: each is a message of Google's type; the script fills them in and makes what is not there."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from google.cloud.devtools import cloudbuild_v1
from google.protobuf import json_format

NAMES = ("pull_request", "main", "nightly_gpu", "weekly_lock")
SETTINGS = {
    "PROJECT": "uni",
    "REGION": "europe-west4",
    "BUCKET": "gs://uni-builds",
    "ACCOUNT": "builder@uni.iam.gserviceaccount.com",
    "REPOSITORY": "projects/uni/locations/europe-west4/connections/github/repositories/course",
}
GCLOUD = """#!/bin/bash
echo "$*" >>CALLS
case "$*" in
  *describe*) grep -qxF "$(echo "$*" | grep -oE 'course-[a-z-]+')" THERE ;;
  *import*) for word; do [[ $word == --source=* ]] && cp "${word#--source=}" IMPORTED/; done; true ;;
esac
"""


def message(path: Path) -> cloudbuild_v1.BuildTrigger:
    content = yaml.safe_load(path.read_text())
    return cloudbuild_v1.BuildTrigger(json_format.ParseDict(content, cloudbuild_v1.BuildTrigger.pb()()))


@pytest.fixture
def create(root: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`create(there=[...], **settings)` runs the script; `gcloud` says that the named things exist."""
    (tmp_path / "imported").mkdir()
    (tmp_path / "bin").mkdir()
    text = GCLOUD.replace("CALLS", str(tmp_path / "calls")).replace("THERE", str(tmp_path / "there"))
    (tmp_path / "bin" / "gcloud").write_text(text.replace("IMPORTED", str(tmp_path / "imported")))
    (tmp_path / "bin" / "gcloud").chmod(0o755)

    def run(there: tuple[str, ...] = (), **settings: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "there").write_text("".join(f"{name}\n" for name in there))
        return subprocess.run(
            ["bash", str(root / "deploy" / "triggers" / "create.sh")],
            env={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", **settings},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("name", NAMES)
def test_a_trigger_is_of_the_type_of_the_service_and_names_a_file_that_exists(root: Path, name: str) -> None:
    trigger = message(root / "deploy" / "triggers" / f"{name}.yaml")
    assert (root / (trigger.filename or trigger.git_file_source.path)).is_file()
    assert trigger.name.startswith("course-")


@pytest.mark.parametrize("name", NAMES)
def test_a_trigger_sets_only_what_its_build_declares(root: Path, name: str) -> None:
    trigger = message(root / "deploy" / "triggers" / f"{name}.yaml")
    build = yaml.safe_load((root / (trigger.filename or trigger.git_file_source.path)).read_text())
    assert set(trigger.substitutions) <= set(build["substitutions"])


def test_forks_wait_for_a_comment_and_only_the_night_has_a_gpu(root: Path) -> None:
    triggers = {name: message(root / "deploy" / "triggers" / f"{name}.yaml") for name in NAMES}
    pull = triggers["pull_request"].repository_event_config.pull_request
    control = cloudbuild_v1.PullRequestFilter.CommentControl
    assert pull.comment_control == control.COMMENTS_ENABLED_FOR_EXTERNAL_CONTRIBUTORS_ONLY
    assert {name for name, trigger in triggers.items() if "_GPU" in trigger.substitutions} == {"nightly_gpu"}


def test_the_script_fills_in_every_name_and_makes_two_clocks(
    create: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = create(**SETTINGS)
    assert done.returncode == 0, done.stderr
    made = {path.stem: message(path) for path in (tmp_path / "imported").iterdir()}
    assert set(made) == set(NAMES)
    for name, trigger in made.items():
        repository = trigger.git_file_source.repository or trigger.repository_event_config.repository
        assert repository == SETTINGS["REPOSITORY"]
        assert trigger.substitutions["_BUCKET"] == "gs://uni-builds"
        assert trigger.service_account == f"projects/uni/serviceAccounts/{SETTINGS['ACCOUNT']}"
        text = (tmp_path / "imported" / f"{name}.yaml").read_text()
        assert re.findall(r": (?:REPOSITORY|BUCKET|ACCOUNT|GPU_\w+)", text) == []
    assert made["nightly_gpu"].substitutions["_GPU_IMAGE"] == "none"
    clocks = [
        line for line in (tmp_path / "calls").read_text().splitlines() if "scheduler jobs create" in line
    ]
    assert len(clocks) == 2
    assert "/triggers/course-nightly-gpu:run" in clocks[0]


def test_a_second_run_brings_triggers_up_to_date_and_leaves_clocks_and_a_missing_setting_is_named(
    create: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = create(there=("course-nightly-gpu",), **SETTINGS)
    assert "there already: clock course-nightly-gpu" in done.stdout
    assert {path.stem for path in (tmp_path / "imported").iterdir()} == set(NAMES)
    assert (tmp_path / "calls").read_text().count("scheduler jobs create") == 1
    done = create(**{name: value for name, value in SETTINGS.items() if name != "REPOSITORY"})
    assert done.returncode == 1
    assert "REPOSITORY is not set" in done.stderr
