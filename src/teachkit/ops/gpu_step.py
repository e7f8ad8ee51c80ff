"""The step ``gpu`` of a cloud build: sends lessons to a machine with a GPU, or says loudly why it does not.

``python -m teachkit.ops.gpu_step FOLDER GPU LESSONS SIZE DATA BUCKET IMAGE ACCOUNT PROJECT REGION STEP...``
leaves ``FOLDER/gpu.passed``, which holds what happened, unless a lesson or a number failed. It skips when no
GPU is named, when one of the other steps failed, and when the cloud refuses: no quota and no capacity are no
faults of a commit.
"""

import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

NONE = "none"
REFUSED = 2  # `teachkit cloud run` ends with it for quota, capacity and settings
MARK = "gpu.passed"
COMMAND = (sys.executable, "-m", "teachkit.cli", "cloud", "run")


def run(arguments: Sequence[str], call: Callable[[Sequence[str]], int]) -> int:
    """Do what the module's text says; `call` runs a command and gives its exit status."""
    folder, gpu, lessons, size, data, bucket, image, account, project, region, *steps = arguments
    out = Path(folder)
    failed = [step for step in steps if not (out / f"{step}.passed").is_file()]
    if gpu == NONE:
        return _skip(out, "no GPU is asked for; start the build with --substitutions=_GPU=l4")
    if NONE in (image, account):
        return _skip(out, "_GPU_IMAGE and _GPU_ACCOUNT must name an image and a service account")
    if failed:
        return _skip(out, f"no money for a commit that failed already: {', '.join(failed)}")
    command = [
        *COMMAND,
        *lessons.split(),
        "--size",
        size,
        "--accelerator",
        gpu,
        "--data",
        data,
        "--bucket",
        bucket,
    ]
    command += ["--image", image, "--service-account", account, "--project", project, "--region", region]
    command += ["--out", str(out / "gpu")]
    print(shlex.join(command), flush=True)
    status = call(command)
    if status == REFUSED:
        return _skip(out, "the cloud refused; the lines above say why")
    if status == 0:
        _mark(out, f"lessons {lessons} at size {size} on {gpu}")
    return status


def _skip(out: Path, why: str) -> int:
    print(f"{'=' * 80}\nSKIPPED: nothing ran on a GPU, because {why}.\n{'=' * 80}", file=sys.stderr)
    _mark(out, f"SKIPPED: {why}")
    return 0


def _mark(out: Path, what: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).write_text(f"{what}\n", encoding="utf-8")


def main() -> int:
    """Entry point of the build step."""
    return run(sys.argv[1:], lambda command: subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    sys.exit(main())
