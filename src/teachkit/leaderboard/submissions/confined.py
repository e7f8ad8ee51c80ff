"""Starts the scoring of one file as a child process within limits, and reads what it found."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

from teachkit.errors import TeachkitError
from teachkit.leaderboard.submissions.models import Submission
from teachkit.paths import atomic

BEAT_SECONDS = 1.0
LONGEST_MESSAGE = 2000


class ScoringFailed(TeachkitError):
    """The child did not come to an end by itself: that is our fault, never the file's."""


def score_confined(submission: Submission, beat: Callable[[], bool]) -> dict[str, Any]:
    """What `scoring` finds for the file of `submission`; predictions go to `submission.table_path`.

    Args:
        beat: called about once a second; False means that the work is no longer ours, and ends it.

    Raises:
        ScoringFailed: a limit was met, the child died, or the lease was lost.
    """
    challenge = submission.challenge
    work = Path(settings.SITE_FOLDER) / "work"
    work.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=work) as name:
        folder = Path(name)
        upload = folder / submission.file_name
        upload.symlink_to(submission.path)
        manifest = challenge.suite.save(folder / "suite.json")
        order = {
            "upload": str(upload),
            "suite": str(manifest),
            "labels": str(challenge.labels_path),
            "size": submission.size,
            "draws": challenge.draws,
            "out": name,
        }
        (folder / "order.json").write_text(json.dumps(order), encoding="utf-8")
        _run(folder, beat)
        found: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        table = folder / "predictions.parquet"
        if table.exists():
            submission.table_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with atomic(submission.table_path) as temporary:  # it may lie on another disk
                shutil.copyfile(table, temporary)
    return found


def _run(folder: Path, beat: Callable[[], bool]) -> None:
    command = [sys.executable, "-m", "teachkit.leaderboard.submissions.scoring", str(folder / "order.json")]
    with (folder / "stderr").open("wb") as errors:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=_bare_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            preexec_fn=_limit,
        )
        try:
            _watch(child, beat)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    if child.returncode:
        said = (folder / "stderr").read_text(encoding="utf-8", errors="replace").strip()[-LONGEST_MESSAGE:]
        raise ScoringFailed(
            f"The scoring process ended with {child.returncode}.", "", code=child.returncode, said=said
        )


def _watch(child: subprocess.Popen[bytes], beat: Callable[[], bool]) -> None:
    end = time.monotonic() + settings.SCORING_WALL_SECONDS
    while True:
        try:
            child.wait(BEAT_SECONDS)
            return
        except subprocess.TimeoutExpired:
            if time.monotonic() > end:
                raise ScoringFailed(
                    f"Scoring took more than {settings.SCORING_WALL_SECONDS} seconds."
                ) from None
            if not beat():
                raise ScoringFailed("Another worker has taken this job over.") from None


def _bare_environment(folder: Path) -> dict[str, str]:
    """Nothing of ours but where Python is: no address of a database, no key, no token."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(folder), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _limit() -> None:
    """In the child, before Python starts."""
    resource.setrlimit(resource.RLIMIT_AS, (settings.SCORING_MEMORY_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (settings.SCORING_CPU_SECONDS,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**30, 2**30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.setsid()
