"""``teachkit course export | regrade | items | at-risk | times``: what an instructor does with grades."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from teachkit.course.gradebook.reading import Grades
    from teachkit.course.handins import Marked
    from teachkit.course.roster import Roster

Course = Annotated[Path, typer.Option("--course", help="nbgrader's course folder, with gradebook.db.")]
RosterFile = Annotated[Path, typer.Option("--roster", help="The roster, inside the course folder.")]
Names = Annotated[list[str] | None, typer.Argument(help="Assignments; all when none is given.")]
HERE, ROSTER = Path("."), Path("roster.csv")


def export(
    kind: Annotated[str, typer.Argument(help="canvas or moodle.")],
    target: Annotated[Path, typer.Argument(help="The CSV file to write.")],
    assignment: Annotated[
        list[str] | None, typer.Option(help="One assignment; may be repeated. All if none.")
    ] = None,
    listed: Annotated[
        Path | None, typer.Option("--list", help="The file that Canvas exported; its columns are kept.")
    ] = None,
    student: Annotated[str, typer.Option(help="Heading of the column with our ids in that file.")] = "",
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Even if a person still has to grade something.")
    ] = False,
    course: Course = HERE,
    roster: RosterFile = ROSTER,
) -> None:
    """Write the final scores for Canvas or Moodle."""
    from teachkit.course.gradebook.exporting import export as write

    people = _roster(course, roster)
    more = {"listed": listed, "student": student} if kind == "canvas" else {}
    grades = _grades(course, people).of(assignment or ())
    done = write(kind, grades, people, target, unfinished=unfinished, **more)
    typer.echo(
        f"{target}: {done.students} students, {grades.submissions['assignment'].nunique()} assignments."
    )
    if done.left_out:
        typer.secho(f"They have a score and are not in the file: {', '.join(done.left_out)}.", fg="yellow")


def regrade(
    assignment: Annotated[str, typer.Argument(help="Its name, such as 01_classification.")],
    student: Annotated[
        list[str] | None, typer.Option(help="One student; may be repeated. All if none.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Submissions side by side.")] = 1,
    course: Course = HERE,
) -> None:
    """Grade again with the tests as they stand now, and show every score that changed."""
    from teachkit.course.gradebook.regrading import regrade as grade

    def tell(one: "Marked", done: int, count: int) -> None:
        typer.echo(f"{done} of {count}: {one.student} {one.state}", err=True)

    done = grade(course, assignment, student or (), jobs=jobs, on_done=tell)
    _table(done.changed, "No score changed.")
    typer.echo(f"Report: {done.report}")
    for one in done.failed:
        typer.secho(f"{one.student} could not be graded: {one.problem}", fg="red", err=True)
    if done.failed:
        raise typer.Exit(1)


def items(
    assignment: Names = None,
    course: Course = HERE,
    answers: Annotated[
        Path, typer.Option(help="Folder with the students' notebooks, inside the course folder.")
    ] = Path("autograded"),
) -> None:
    """Show for each question how hard it was, what it tells, and which answers attract."""
    from teachkit.course.gradebook.items import distractors, item_analysis

    grades = _grades(course).of(assignment or ())
    _table(item_analysis(grades), "No question is graded yet.")
    typer.echo("\nChoices: how many gave an answer, and their share of the other points")
    _table(distractors(grades, course / answers), "No question with choices is graded yet.")


def at_risk(
    low: Annotated[float, typer.Option(help="Share of the points below which a student is listed.")] = 0.5,
    course: Course = HERE,
    roster: RosterFile = ROSTER,
) -> None:
    """List the students who may need a word from you, with the reasons."""
    from datetime import UTC, datetime

    from teachkit.course.gradebook.attention import at_risk as find

    concerns = find(_grades(course, _roster(course, roster)), datetime.now(UTC).replace(tzinfo=None), low=low)
    for concern in concerns:
        typer.echo(str(concern))
    typer.echo(f"{len(concerns)} students listed.")


def times(
    course: Course = HERE,
    handed_in: Annotated[
        Path, typer.Option(help="Folder with what was handed in, inside the course folder.")
    ] = Path("submitted"),
) -> None:
    """Show how many minutes each lesson took, over the students who handed in their results."""
    from teachkit.course.gradebook.attention import times as measure

    _table(measure(course / handed_in), "Nobody has handed in results yet.")


def add_to(app: typer.Typer) -> None:
    """Join the commands to the group ``teachkit course``."""
    for command in (export, regrade, items, at_risk, times):
        app.command(command.__name__.replace("_", "-"))(command)


def _roster(course: Path, path: Path) -> "Roster":
    from teachkit.course.roster import read_roster

    return read_roster(course / path)


def _grades(course: Path, roster: "Roster | None" = None) -> "Grades":
    from teachkit.course.gradebook.reading import read_grades

    return read_grades(course / "gradebook.db", [entry.student for entry in roster.entries] if roster else ())


def _table(table: "pd.DataFrame", nothing: str) -> None:
    shown = table.to_string(index=False, float_format=lambda value: f"{value:.2f}", na_rep="-")
    typer.echo(shown if len(table) else nothing)
