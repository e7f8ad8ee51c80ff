"""Generate ``cloudbuild.yaml`` from course.toml: the same make targets, lessons side by side.

``python -m teachkit.ops.cloudbuild`` writes it, and the weekly build for a newer lock; ``teachkit check``
fails when one of them has drifted. Cloud Build has no matrix syntax, hence a generated file. All but the
setup may fail without stopping the build, so that one build shows every result; the last step uploads them
all to a bucket, and fails the build if anything failed. The environment is kept in that bucket under the
hash of the lock. Build machines have no GPU: the step ``gpu`` sends a job to one that has, when the
substitution ``_GPU`` names it.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from teachkit.cloud import names
from teachkit.course.declaration import Course, Lesson, read_course
from teachkit.paths import course_root

FILE = "cloudbuild.yaml"
LOCK_FILE = "deploy/triggers/lock_update.cloudbuild.yaml"
IMAGE = "python:3.12-bookworm"  # brings git and make besides Python
HEADER = "# Generated from notebooks/course.toml by: python -m teachkit.ops.cloudbuild. Do not edit.\n"
SLOWER = 10  # a shared build machine against the one the budgets were measured on
SHORTEST_S = 600
STEP_ENV = ["TEACHKIT_OFFLINE=1", "PIP_DISABLE_PIP_VERSION_CHECK=1"]


# What a substitution is when nobody sets it.
DEFAULTS = {
    "_IMAGE": IMAGE,
    "_BUCKET": "gs://your-bucket",
    "_GPU": "none",
    "_GPU_LESSONS": "01",
    "_GPU_SIZE": "class",
    "_GPU_DATA": "offline",
    "_GPU_IMAGE": "none",
    "_GPU_ACCOUNT": "none",
    "_REGION": names.REGION,
}
# An object a lock: written once, never replaced. A lost or damaged one costs a minute and stops nothing.
CACHE = 'object="${_BUCKET}/cache/venv-$$(sha256sum requirements.lock | cut -c1-32).tar"'
RESTORE = f"""set -o pipefail
{CACHE}
if gcloud storage cp "$$object" - | tar --extract --file=-; then echo "restored from $$object"
else rm -rf .venv; echo "no environment is kept for this lock"; fi"""
SAVE = f"""set -o pipefail
{CACHE}
if gcloud storage ls "$$object" >/dev/null 2>&1; then echo "kept already: $$object"
else tar --create --file=- .venv | gcloud storage cp --if-generation-match=0 - "$$object" || echo "not kept"
fi"""
GPU_ARGUMENTS = (
    *("${_GPU}", "${_GPU_LESSONS}", "${_GPU_SIZE}", "${_GPU_DATA}", "${_BUCKET}/gpu"),
    *("${_GPU_IMAGE}", "${_GPU_ACCOUNT}", "$PROJECT_ID", "${_REGION}"),
)
SITE_TESTS = ("tests/leaderboard", "tests/browser")


def build(course: Course) -> dict[str, Any]:
    """The build as the content of a YAML file."""
    lessons = [f"lesson-{lesson.id}" for lesson in course.lessons]
    run = [_lesson(step, lesson) for step, lesson in zip(lessons, course.lessons, strict=True)]
    marked = _marked_steps(lessons)
    others = [step["id"] for step in marked]
    gpu = _step(
        "gpu",
        # it looks at what the others left: no money for a commit that fails without a GPU
        [".venv/bin/python", "-m", "teachkit.ops.gpu_step", "build", *GPU_ARGUMENTS, *others],
        wait_for=[*lessons, *others],
        seconds=4 * 3600,
        may_fail=True,
    )
    finish = _step(
        "report",
        [
            ".venv/bin/python",
            "-m",
            "teachkit.ops.artifacts",
            "build",
            "${_BUCKET}",
            "$BUILD_ID",
            *others,
            "gpu",
        ],
        wait_for=[*lessons, *others, "gpu"],
        seconds=1200,
    )
    return _whole([*_setup_steps(), *run, *marked, gpu, finish], DEFAULTS)


def lock_update() -> dict[str, Any]:
    """The weekly build: make the locks anew, run every check and test with them, upload them with a list."""
    renew = (
        "mkdir -p build/lock/site && cp requirements.lock build/old.lock && make lock"
        " && cp requirements.lock build/lock/ && cp deploy/site/requirements.lock build/lock/site/"
    )
    finish = [".venv/bin/python", "-m", "teachkit.ops.lock_update", "build/old.lock", "requirements.lock"]
    steps = [
        *_setup_steps()[:2],
        _step("lock", ["bash", "-c", renew], wait_for=["setup"], seconds=1800),
        # make sees a newer lock, and installs it first
        _step(
            "all", _marked("make run && .ci/run", "all"), wait_for=["lock"], seconds=4 * 3600, may_fail=True
        ),
        _step(
            "report", [*finish, "build/lock", "${_BUCKET}", "$BUILD_ID", "all"], wait_for=["all"], seconds=600
        ),
    ]
    return _whole(steps, {name: DEFAULTS[name] for name in ("_IMAGE", "_BUCKET")})


def _whole(steps: list[dict[str, Any]], substitutions: Mapping[str, str]) -> dict[str, Any]:
    return {
        "steps": steps,
        "timeout": f"{sum(int(step['timeout'].removesuffix('s')) for step in steps)}s",
        "substitutions": dict(substitutions),
        "options": {
            "machineType": "E2_HIGHCPU_8",
            "logging": "CLOUD_LOGGING_ONLY",
            "env": STEP_ENV,
        },
    }


def _setup_steps() -> list[dict[str, Any]]:
    """The environment: from the bucket if this lock was built before, brought up to date, kept."""
    restore = _step("restore", ["bash", "-c", RESTORE], wait_for=["-"], seconds=900, may_fail=True)
    save = _step("save", ["bash", "-c", SAVE], wait_for=["setup"], seconds=1800, may_fail=True)
    for step in (restore, save):
        step["name"] = names.CLI_IMAGE
    return [restore, _step("setup", ["make", ".venv/ready"], wait_for=["restore"], seconds=1800), save]


def _lesson(name: str, lesson: Lesson) -> dict[str, Any]:
    return _step(
        name,
        ["make", "run", f"ARGS={lesson.id} --no-report"],
        # lessons that read no other lesson's results need nothing but the environment
        wait_for=["setup", *(f"lesson-{other}" for other in lesson.results_from)],
        seconds=max(SHORTEST_S, int(SLOWER * lesson.budget["smoke"].seconds)),
        may_fail=True,
    )


def _marked_steps(lessons: list[str]) -> list[dict[str, Any]]:
    """Checks and tests; tests come after the lessons, whose results they reuse: steps share one machine."""
    quiet = " ".join(f"--ignore={folder}" for folder in SITE_TESTS)
    core = 'make run ARGS="--core-only --no-grade --no-report --out build/core-only"'
    plan = [
        ("check", "make check", ["setup"], 1200),
        ("quizzes", 'PATH="$$PWD/.venv/bin:$$PATH" teachkit quiz check', lessons, 3600),
        # skipping every deeper cell must break nothing
        ("core-only", core, lessons, 1200),
        ("tests", f".ci/run {quiet}", [*lessons, "check"], 3600),
        ("site", f".ci/run {' '.join(SITE_TESTS)}", [*lessons, "check"], 3600),
    ]
    return [
        _step(name, _marked(command, name), wait_for=wait_for, seconds=seconds, may_fail=True)
        for name, command, wait_for, seconds in plan
    ]


def texts(course: Course) -> dict[str, str]:
    """The text of each generated file, by its path."""
    contents = {FILE: build(course), LOCK_FILE: lock_update()}
    return {
        path: HEADER + yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=110)
        for path, content in contents.items()
    }


def drift(root: Path) -> list[str]:
    """One sentence for each generated file that is absent or differs from what course.toml asks for."""
    return [
        f"{path} does not agree with notebooks/course.toml. Type: python -m teachkit.ops.cloudbuild"
        for path, text in texts(read_course(root)).items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]


def problems(content: dict[str, Any]) -> list[str]:
    """What the message type and the schema do not see: ids, order of waiting, substitutions."""
    found: list[str] = []
    earlier: list[str] = []
    for step in content["steps"]:
        if step["id"] in earlier:
            found.append(f"Two steps have the id '{step['id']}'.")
        found += [
            f"Step '{step['id']}' waits for '{other}', which is no earlier step."
            for other in step.get("waitFor", [])
            if other != "-" and other not in earlier
        ]
        earlier.append(step["id"])
    declared = set(content.get("substitutions", {}))
    used = _substitutions(content)
    found += [f"The substitution ${{{name}}} is used but not declared." for name in sorted(used - declared)]
    found += [f"The substitution {name} is declared but not used." for name in sorted(declared - used)]
    return found


def _substitutions(content: dict[str, Any]) -> set[str]:
    strings = yaml.safe_dump({"steps": content["steps"], "options": content.get("options", {})}, width=10_000)
    names = set(re.findall(r"(?<!\$)\$\{?([A-Z_][A-Z0-9_]*)\}?", strings))
    return names - {"BUILD_ID", "PROJECT_ID", "COMMIT_SHA", "LOCATION"}


def _step(
    name: str, command: list[str], *, wait_for: list[str], seconds: int, may_fail: bool = False
) -> dict[str, Any]:
    step: dict[str, Any] = {
        "id": name,
        "name": "${_IMAGE}",
        "entrypoint": command[0],
        "args": command[1:],
        "waitFor": wait_for,
        "timeout": f"{seconds}s",
    }
    if may_fail:
        step["allowFailure"] = True
    return step


def _marked(command: str, name: str) -> list[str]:
    """Run `command` and leave ``build/NAME.passed`` only when it succeeded, for the last step to see."""
    return ["bash", "-c", f"mkdir -p build && {command} && touch build/{name}.passed"]


def main() -> int:
    """Write the files where Cloud Build looks for them."""
    root = course_root()
    for path, text in texts(read_course(root)).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
        print(f"Wrote {root / path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
