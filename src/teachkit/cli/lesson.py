"""``teachkit lesson``: a student's own copy of the lessons."""

import typer

from teachkit.paths import course_root

app = typer.Typer(help="Put a lesson back, or take corrections of the course.", no_args_is_help=True)


@app.command()
def reset(lesson: str = typer.Argument(help="The id of the lesson, such as 01.")) -> None:
    """Put a lesson back as the course gave it; your version is kept in the folder yours/."""
    from teachkit.ops import lessons

    root = course_root()
    kept = lessons.reset(root, lesson)
    if kept is None:
        typer.echo(f"Lesson {lesson} is as the course gave it.")
    else:
        typer.echo(f"Lesson {lesson} is back. Your version: {kept.relative_to(root)}")


@app.command()
def update() -> None:
    """Take the corrections of the course; cells that you wrote or changed stay."""
    from teachkit.ops import lessons

    changes = lessons.update(course_root())
    for change in changes:
        typer.echo(str(change))
    typer.echo("The course is up to date." if changes else "There is nothing new.")
