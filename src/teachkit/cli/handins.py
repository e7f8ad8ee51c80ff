"""`teachkit course autograde`: the hand-ins of a class, graded side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from teachkit.course.handins import Marked


def autograde(
    assignment: Annotated[str, typer.Argument(help="The assignment, such as 01_classification.")],
    student: Annotated[
        list[str] | None, typer.Option(help="Only this student; may be repeated. Default: everyone.")
    ] = None,
    course: Annotated[Path, typer.Option(help="The folder with nbgrader_config.py and submitted/.")] = Path(),
    jobs: Annotated[int, typer.Option(min=1, help="Hand-ins at the same time, each with one thread.")] = 2,
    again: Annotated[bool, typer.Option("--again", help="Grade unchanged hand-ins too.")] = False,
) -> None:
    """Grade every hand-in of an assignment in a box; go on where a run was stopped; tell what to look at."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from teachkit.extras import need

    need("joblib", "lessons")
    need("nbgrader", "grading")
    from teachkit.course.handins import grade_class

    console = Console()
    columns = (TextColumn(assignment), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(assignment, total=None)

        def tell(one: "Marked", done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            if not console.is_terminal or one.problem:
                note = one.problem or (f"{one.seconds:.1f} s" if one.seconds else "as before")
                bar.console.print(f"{done} of {total} {one.student}: {one.state}, {note}", soft_wrap=True)

        results = grade_class(
            course, assignment, students=student or (), jobs=jobs, again=again, on_done=tell
        )
    for one in results:
        by_hand = f" and {one.manual:g} by hand" if one.manual else ""
        typer.echo(f"{one.student}: {one.score:g} of {one.max_score:g}{by_hand}")
        for flag in one.flags:
            typer.secho(f"  look at {flag}", fg="yellow")
    failed = [one.student for one in results if one.state == "failed"]
    if failed:
        typer.secho(f"Could not be graded: {', '.join(failed)}.", fg="red", err=True)
        raise typer.Exit(1)
