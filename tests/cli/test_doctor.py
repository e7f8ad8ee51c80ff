"""`teachkit doctor`: a page, JSON, a report, an explanation; the exit code is for scripts."""

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from teachkit.cli.main import command
from teachkit.course.condition import Check
from teachkit.ops import doctor

GOOD = Check("python", "ok", "Python 3.12.1.")
BAD = Check("gpu", "problem", "driver 535 < 580.", "Use the fallback.")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """`call(checks, "--json")` runs the command on a machine with these findings."""

    def run(checks: list[Check], *arguments: str, typed: str | None = None):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(doctor, "examine", lambda: checks)
        return CliRunner().invoke(command(), ["doctor", *arguments], input=typed)

    return run


def test_all_well_ends_with_zero(call) -> None:
    done = call([GOOD])
    assert done.exit_code == 0
    assert done.output.endswith("All well.\n")


def test_a_problem_ends_with_one_and_shows_its_remedy(call) -> None:
    done = call([GOOD, BAD])
    assert done.exit_code == 1
    assert "driver 535 < 580." in done.output
    assert "→ Use the fallback." in done.output
    assert "1 problem, no notes" in done.output


def test_json_is_nothing_but_json(call, tmp_path: Path) -> None:
    done = call([GOOD, BAD], "--json", "--report", "r.zip")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["ok"]) == (1, False)
    assert told["checks"][1]["remedy"] == "Use the fallback."
    assert "doctor.json" in done.stderr


def test_the_report_is_written_and_its_files_are_listed(call, tmp_path: Path) -> None:
    done = call([BAD], "--report", "r.zip")
    assert done.exit_code == 1
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        names = archive.namelist()
    for name in names[1:]:
        assert f"  {name}: " in done.output


QUOTA = (
    "429 The following quotas are exceeded: custom_model_training_nvidia_t4_gpus "
    "[aiplatform.googleapis.com/custom_model_training_nvidia_t4_gpus]"
)


def test_a_message_about_a_quota_is_translated(call) -> None:
    for done in (call([], "--explain", QUOTA), call([], "--explain", "-", typed=QUOTA)):
        assert done.exit_code == 0
        assert "NVIDIA T4" in done.output
        assert "Quota: aiplatform.googleapis.com/custom_model_training_nvidia_t4_gpus" in done.output
        assert "→ " in done.output
