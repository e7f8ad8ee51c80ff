"""``teachkit quiz``: look after the quiz files."""

from typing import Annotated

import typer

from teachkit.errors import LessonError
from teachkit.paths import course_root

app = typer.Typer(help="Look after quizzes, challenges and self-checks.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look after quizzes, challenges and self-checks."""


@app.command()
def check(
    lessons: Annotated[
        list[str] | None, typer.Argument(help="Ids such as 01; all when none is named.")
    ] = None,
    run: Annotated[
        bool,
        typer.Option(
            help="Run solutions, untouched releases and stated mistakes, and look for leaks. "
            "The quiz of a lesson takes seconds, a challenge up to a minute."
        ),
    ] = True,
) -> None:
    """Check every self-check file and every graded quiz; each fault is named with its place."""
    from teachkit.course.assignments import check_assignments
    from teachkit.course.quizzes import check_self_checks

    quizzes = course_root() / "quizzes"
    faults = [*check_self_checks(quizzes / "self_checks"), *check_assignments(quizzes / "source")]
    if run and not faults:
        from teachkit.course.assessment.check import check_package, check_topic, topics

        for folder in topics(quizzes, lessons or ()):
            typer.echo(f"{folder.name}: solutions, untouched releases, stated mistakes, leaks")
            faults += check_topic(folder)
        faults += check_package(quizzes)
    for fault in faults:
        typer.echo(str(fault))
    if faults:
        raise LessonError(f"{len(faults)} faults in {quizzes}.", "Mend them and check again.", faults=faults)
    typer.echo("All quiz files are in order.")
