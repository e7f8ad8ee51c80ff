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


@app.command()
def points(
    write: Annotated[bool, typer.Option(help="Write docs/points.md instead of showing it.")] = False,
) -> None:
    """Show what every quiz and challenge gives, question by question."""
    from teachkit.course.assessment.points import PAGE, page

    root = course_root()
    text = page(root / "quizzes" / "source")
    if write:
        (root / PAGE).write_text(text, encoding="utf-8")
    typer.echo(f"Written: {PAGE}" if write else text)


@app.command()
def new(lesson: Annotated[str, typer.Argument(help="Id of a lesson in notebooks/course.toml.")]) -> None:
    """Write a quiz, a challenge and their keys to begin with."""
    from teachkit.course.assessment.template import write_templates
    from teachkit.course.declaration import read_course

    root = course_root()
    found = read_course(root).lesson(lesson)
    for path in write_templates(root / "quizzes", found.id, found.stem):
        typer.echo(f"Written: {path.relative_to(root)}")
    typer.echo(f"Write your questions into it, then see what is left: teachkit quiz check {found.id}")
