"""The weekly lock: what differs is told, the locks go to the bucket, a failed test fails the build."""

import sys
from pathlib import Path

import pytest

from teachkit.ops import lock_update
from teachkit.ops.lock_update import changes

OLD = """\
alpha==1.0 \\
    --hash=sha256:aa
beta==1.0 ; python_full_version < '3.12' \\
    --hash=sha256:bb
beta==2.0 ; python_full_version >= '3.12' \\
    --hash=sha256:cc
gone==3.0 \\
    --hash=sha256:dd
"""
NEW = OLD.replace("beta==2.0", "beta==2.1").replace("gone==3.0", "new==0.1").replace("sha256:aa", "sha256:a1")


def test_versions_that_differ_are_told_with_their_marker() -> None:
    assert changes(OLD, NEW) == [
        "beta 2.0 -> 2.1 (python_full_version >= '3.12')",
        "gone 3.0 -> absent",
        "new absent -> 0.1",
    ]
    assert changes(OLD, OLD) == []


def test_every_package_of_the_course_is_seen(root: Path) -> None:
    lock = (root / "requirements.lock").read_text()
    names = {line.split()[0] for line in changes("", lock)}
    assert names == {line.split("==")[0] for line in lock.splitlines() if line[:1].isalnum()}


@pytest.mark.parametrize("passed", [True, False], ids=["passed", "failed"])
def test_locks_and_list_go_to_the_bucket_and_a_failed_test_fails_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sent: list[tuple[list[str], str, str]] = []

    def upload(folder: Path, bucket: str, run: str) -> int:
        sent.append((sorted(path.name for path in folder.iterdir()), bucket, run))
        return 1

    monkeypatch.setattr(lock_update, "upload", upload)
    (tmp_path / "build" / "lock").mkdir(parents=True)
    for path, text in (
        ("build/old.lock", OLD),
        ("requirements.lock", NEW),
        ("build/lock/requirements.lock", NEW),
    ):
        (tmp_path / path).write_text(text)
    if passed:
        (tmp_path / "build" / "all.passed").touch()
    words = ["build/old.lock", "requirements.lock", "build/lock", "gs://uni", "77", "all"]
    monkeypatch.setattr(sys, "argv", ["lock_update", *words])
    assert lock_update.main() == (0 if passed else 1)
    assert sent == [(["changes.txt", "requirements.lock"], "gs://uni", "locks/77")]
    told = (tmp_path / "build" / "lock" / "changes.txt").read_text()
    assert ("FAILED with it: all" in told) == (not passed)
    assert "gcloud storage cp gs://uni/locks/77/requirements.lock" in capsys.readouterr().out
