"""The last step of a cloud build: report, upload everything to a bucket, and fail if anything failed.

``python -m teachkit.ops.artifacts FOLDER gs://BUCKET RUN STEP...`` expects ``FOLDER/STEP.passed`` from each
named step. Uploading comes before failing, because what a failed build left is what one wants to read.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from teachkit.cloud.bucket import parse_url
from teachkit.course.declaration import read_course
from teachkit.course.outcome import conclude
from teachkit.course.report import write_report
from teachkit.errors import FetchError
from teachkit.extras import need
from teachkit.paths import course_root

TIMEOUT_S = 60


def finish(out: Path, bucket: str, run: str, steps: Iterable[str]) -> list[str]:
    """Judge and report the lessons in `out`, upload it all; returns one sentence per failure."""
    course = read_course(course_root())
    outcome = conclude(course, course.lessons, out)
    write_report(outcome, out)
    for mark in sorted(out.glob("*.passed")):
        if said := mark.read_text(encoding="utf-8").strip():
            print(f"{mark.stem}: {said}")
    failures = list(outcome.all_problems)
    failures += [
        f"The step '{step}' failed; its log says why."
        for step in steps
        if not (out / f"{step}.passed").is_file()
    ]
    count = upload(out, bucket, run)
    print(f"{count} files are in {bucket}/{run}")
    return failures


def upload(folder: Path, bucket: str, run: str) -> int:
    """Copy every file below `folder` to ``bucket/run/…`` and return their number.

    Raises:
        FetchError: when a file did not arrive; the sentence names it.
    """
    storage = need("google.cloud.storage", "cloud")
    manager = need("google.cloud.storage.transfer_manager", "cloud")
    name, prefix = parse_url(bucket)
    files = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
    answers = manager.upload_many_from_filenames(
        storage.Client(project="teachkit").bucket(name),
        files,
        source_directory=str(folder),
        blob_name_prefix="/".join(part for part in (prefix, run) if part) + "/",
        worker_type=manager.THREAD,
        upload_kwargs={"timeout": TIMEOUT_S},
    )
    # the manager hands errors back as items of its answer instead of raising them
    for file, answer in zip(files, answers, strict=True):
        if isinstance(answer, Exception):
            raise FetchError(
                f"{file} could not be written to {bucket}/{run}: {answer}.",
                "Give the build's account the role Storage Object User on the bucket.",
                url=bucket,
                name=file,
            ) from answer
    return len(files)


def main() -> int:
    """Entry point of the build step."""
    out, bucket, run, *steps = sys.argv[1:]
    failures = finish(Path(out), bucket, run, steps)
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
