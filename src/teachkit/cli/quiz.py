"""``teachkit quiz``: look after the quiz files."""

import typer

from teachkit.errors import LessonError
from teachkit.paths import course_root

app = typer.Typer(help="Look after quizzes and self-checks.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look after quizzes and self-checks."""


@app.command()
def check() -> None:
    """Check every self-check file and every graded quiz; each fault is named with its place."""
    from teachkit.course.assignments import check_assignments
    from teachkit.course.quizzes import check_self_checks

    quizzes = course_root() / "quizzes"
    faults = [*check_self_checks(quizzes / "self_checks"), *check_assignments(quizzes / "source")]
    for fault in faults:
        typer.echo(str(fault))
    if faults:
        raise LessonError(f"{len(faults)} faults in {quizzes}.", "Mend them and check again.", faults=faults)
    typer.echo("All quiz files are in order.")
