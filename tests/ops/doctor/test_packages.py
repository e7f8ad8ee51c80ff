"""Each package of the lock is compared with what is installed; markers decide which lines apply."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from teachkit.ops.doctor import packages


@pytest.fixture
def check(tmp_path: Path):
    """`check("numpy==1.0")` compares this environment with such a lock."""

    def compare(*lines: str):
        text = "".join(f"{line} \\\n    --hash=sha256:{'0' * 64}\n" for line in lines)
        (tmp_path / "requirements.lock").write_text(text)
        return packages.packages_check(tmp_path)

    return compare


def test_the_lock_of_the_course_is_read_whole(root: Path) -> None:
    text = (root / "requirements.lock").read_text()
    heads = [line for line in text.splitlines() if line[:1].isalnum()]
    everywhere = {line.partition("==")[0] for line in heads if ";" not in line}
    found = packages.locked(text)
    assert everywhere <= set(found)
    assert len(everywhere) > 200
    assert "colorama" not in found or sys.platform == "win32"
    lines = [line for line in heads if line.startswith("numpy==")]
    assert len(lines) == 2
    assert found["numpy"] in "".join(lines)


def test_installed_versions_are_those_that_pip_lists() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    expected = {line.partition("==")[0].lower().replace("_", "-").replace(".", "-"): line for line in listed}
    # in a process of its own, as the doctor is: packages that other tests import may lengthen the path here
    code = "import json; from teachkit.ops.doctor.packages import installed; print(json.dumps(installed()))"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    found = json.loads(asked)
    assert set(found) == set(expected)
    assert found["numpy"] == version("numpy")


def test_an_environment_as_in_the_lock_is_well(check) -> None:
    found = check(f"numpy=={version('numpy')}", "colorama==0.1 ; sys_platform == 'win32'")
    assert (found.state, found.remedy) == ("ok", "")
    assert found.found.startswith("All 1 packages are as in the lock ")


def test_a_package_of_another_version_is_named_with_both(check) -> None:
    found = check("numpy==1.0.0", f"pandas=={version('pandas')}")
    assert found.state == "problem"
    assert f"numpy {version('numpy')} (lock: 1.0.0)" in found.found
    assert "pandas" not in found.found
    assert found.details["differ"] == {"numpy": {"installed": version("numpy"), "locked": "1.0.0"}}
    assert "make .venv/ready" in found.remedy


def test_the_hash_tells_two_locks_apart(check) -> None:
    assert check("numpy==1.0").details["lock_sha256"] != check("numpy==1.1").details["lock_sha256"]


def test_another_build_of_the_same_release_is_a_note(check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "installed", lambda: {"torch": "2.15.0+cu126"})
    found = check("torch==2.15.0")
    assert found.state == "note"
    assert "torch 2.15.0+cu126 (lock: 2.15.0)" in found.found
    assert check("torch==2.14.0").state == "problem"


def test_what_lessons_need_is_missed_and_the_rest_is_a_note(check, monkeypatch: pytest.MonkeyPatch) -> None:
    here = packages.installed()
    for name in ("timm", "threadpoolctl", "django"):
        assert here.pop(name)
    monkeypatch.setattr(packages, "installed", lambda: here)
    needed = check("timm==1", "threadpoolctl==1", "django==5")
    assert needed.state == "problem"
    assert "; missing: 2 (threadpoolctl, timm)." in needed.found
    assert needed.details["missing"] == ["django", "threadpoolctl", "timm"]
    other = check("django==5")
    assert other.state == "note"
    assert "missing, but no lesson needs them: 1 (django)." in other.found


def test_many_differences_are_counted(check) -> None:
    lines = [f"{name}==0.0.1" for name in ("numpy", "pandas", "pillow", "scipy", "tqdm", "rich")]
    assert "of another version: 6 (" in check(*lines).found
    assert "and 2 more" in check(*lines).found


def test_without_a_lock_there_is_nothing_to_compare(tmp_path: Path) -> None:
    assert packages.packages_check(tmp_path).state == "note"
    assert packages.packages_check(None).state == "note"
