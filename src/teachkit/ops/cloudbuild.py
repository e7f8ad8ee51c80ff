"""Generate ``cloudbuild.yaml`` from course.toml: the same make targets, lessons side by side.

``python -m teachkit.ops.cloudbuild`` writes the file; ``teachkit check`` fails when it has drifted. Cloud
Build has no matrix syntax, hence a generated file. Lessons, checks and tests may fail without stopping the
build, so that one build shows every result; the last step uploads them all to a bucket, and fails the build
if anything failed.
"""

import re
import sys
from pathlib import Path
from typing import Any

import yaml

from teachkit.course.declaration import Course, read_course
from teachkit.paths import course_root

FILE = "cloudbuild.yaml"
IMAGE = "python:3.12-bookworm"  # brings git and make besides Python
HEADER = "# Generated from notebooks/course.toml by: python -m teachkit.ops.cloudbuild. Do not edit.\n"
SLOWER = 10  # a shared build machine against the one the budgets were measured on
SHORTEST_S = 600
STEP_ENV = ["TEACHKIT_OFFLINE=1", "PIP_DISABLE_PIP_VERSION_CHECK=1"]


def build(course: Course) -> dict[str, Any]:
    """The build as the content of a YAML file."""
    lessons = [f"lesson-{lesson.id}" for lesson in course.lessons]
    setup = _step("setup", ["make", ".venv/ready"], wait_for=["-"], seconds=1800)
    run = [
        _step(
            step,
            ["make", "run", f"ARGS={lesson.id} --no-report"],
            # lessons that read no other lesson's results need nothing but the environment
            wait_for=["setup", *(f"lesson-{other}" for other in lesson.results_from)],
            seconds=max(SHORTEST_S, int(SLOWER * lesson.budget["smoke"].seconds)),
            may_fail=True,
        )
        for step, lesson in zip(lessons, course.lessons, strict=True)
    ]
    check = _step("check", _marked("make check", "check"), wait_for=["setup"], seconds=1200, may_fail=True)
    # after the lessons, because tests reuse their results and because steps share one machine
    tests = _step(
        "tests", _marked(".ci/run", "tests"), wait_for=[*lessons, "check"], seconds=3600, may_fail=True
    )
    # skipping every deeper cell must break nothing
    core = _step(
        "core-only",
        _marked('make run ARGS="--core-only --no-grade --no-report --out build/core-only"', "core-only"),
        wait_for=lessons,
        seconds=1200,
        may_fail=True,
    )
    marked = [step["id"] for step in (check, core, tests)]
    finish = _step(
        "report",
        [".venv/bin/python", "-m", "teachkit.ops.artifacts", "build", "${_BUCKET}", "$BUILD_ID", *marked],
        wait_for=[*lessons, *marked],
        seconds=1200,
    )
    steps = [setup, *run, check, core, tests, finish]
    return {
        "steps": steps,
        "timeout": f"{sum(int(step['timeout'].removesuffix('s')) for step in steps)}s",
        "substitutions": {"_IMAGE": IMAGE, "_BUCKET": "gs://your-bucket"},
        "options": {
            "machineType": "E2_HIGHCPU_8",
            "logging": "CLOUD_LOGGING_ONLY",
            "env": STEP_ENV,
        },
    }


def text(course: Course) -> str:
    """The file's text."""
    body = yaml.safe_dump(build(course), sort_keys=False, default_flow_style=None, width=110)
    return HEADER + body


def drift(root: Path) -> list[str]:
    """One sentence when cloudbuild.yaml is absent or differs from what course.toml asks for."""
    path = root / FILE
    if path.is_file() and path.read_text(encoding="utf-8") == text(read_course(root)):
        return []
    return [f"{FILE} does not agree with notebooks/course.toml. Type: python -m teachkit.ops.cloudbuild"]


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
    """Write the file beside the Makefile."""
    root = course_root()
    (root / FILE).write_text(text(read_course(root)), encoding="utf-8")
    print(f"Wrote {root / FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
