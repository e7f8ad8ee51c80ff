"""`teachkit run`, `report` and `check`: the lessons, headless."""

from pathlib import Path
from typing import Annotated

import typer

from teachkit.cli.classroom import app as app  # the group `teachkit course` is found here by its name

Out = Annotated[Path, typer.Option(help="Folder for executed notebooks, results and report.")]


def run(
    lessons: Annotated[
        list[str] | None, typer.Argument(help="Ids or files; all lessons when none is given.")
    ] = None,
    size: Annotated[
        str, typer.Option(help="smoke (under a minute), class (minutes) or full (a GPU).")
    ] = "smoke",
    seed: Annotated[int, typer.Option(help="First seed of each lesson.")] = 0,
    jobs: Annotated[int, typer.Option(help="Lessons side by side, one thread each.")] = 1,
    out: Out = Path("build"),
    force: Annotated[bool, typer.Option("--force", help="Run unchanged lessons too.")] = False,
    core_only: Annotated[
        bool, typer.Option("--core-only", help="Leave out the cells tagged deeper.")
    ] = False,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Run each lesson in a box: no network, only its own folder.")
    ] = False,
    grade: Annotated[bool, typer.Option(help="Grade the reference solutions of the quizzes.")] = True,
    report: Annotated[bool, typer.Option(help="Write the report after the run.")] = True,
) -> None:
    """Execute lessons, judge their numbers, grade the reference solutions and write the report."""
    from rich.console import Console

    from teachkit.course.declaration import read_course
    from teachkit.course.progress import RunProgress
    from teachkit.course.runner import Options, run_lessons
    from teachkit.data import sources
    from teachkit.paths import course_root

    course = read_course(course_root())
    chosen = course.select(lessons or ())
    options = Options(
        out=out, size=size, seed=seed, jobs=jobs, force=force, core_only=core_only, sandbox=sandbox
    )
    with RunProgress(Console()) as progress:
        progress.say(f"Data: {sources.current().label}. Size {size}, seed {seed}, {jobs} at a time.")
        run_lessons(course, chosen, options, progress)
    _conclude([lesson.id for lesson in chosen], out, grade=grade, write=report)


def report(
    lessons: Annotated[
        list[str] | None, typer.Argument(help="Ids or files; all lessons when none is given.")
    ] = None,
    out: Out = Path("build"),
    grade: Annotated[bool, typer.Option(help="Grade the reference solutions of the quizzes.")] = True,
) -> None:
    """Judge and report what earlier runs left in a folder, without running anything."""
    _conclude(lessons or [], out, grade=grade, write=True)


def _conclude(lessons: list[str], out: Path, *, grade: bool, write: bool) -> None:
    from teachkit.course.declaration import read_course
    from teachkit.course.outcome import conclude
    from teachkit.course.report import write_report
    from teachkit.paths import course_root

    course = read_course(course_root())
    outcome = conclude(course, course.select(lessons), out, grade=grade and write)
    if write:
        typer.echo(f"Report: {write_report(outcome, out)}")
    for problem in outcome.all_problems:
        typer.secho(problem, fg="red", err=True)
    if not outcome.ok:
        raise typer.Exit(1)
    typer.echo(
        "All well: " + ", ".join(f"{lesson.lesson.id} {lesson.lesson.title}" for lesson in outcome.lessons)
    )


def check() -> None:
    """Check notebooks, course.toml, links, names and generated files without running anything."""
    from teachkit.paths import course_root

    root = course_root()  # before the slow imports, because it is what fails first

    from teachkit.course.lint import problems
    from teachkit.ops.cloudbuild import drift

    found = [*problems(root), *drift(root)]
    for problem in found:
        typer.secho(problem, fg="red", err=True)
    if found:
        typer.echo(f"{len(found)} to mend.")
        raise typer.Exit(1)
    typer.echo("All well.")
