"""Is this a course, is the package the one it was written for, and has every lesson data here?"""

from pathlib import Path

from teachkit import __version__
from teachkit.course.condition import Check, version_check
from teachkit.course.declaration import read_course
from teachkit.data import available, sources
from teachkit.ops.doctor.limits import within

PATIENCE_S = 10.0
AWAY = "Change to the folder of the course and call it again."


def course_check(root: Path | None) -> Check:
    """The version of teachkit against that of the lessons."""
    if root is None:
        return Check("course", "note", f"No course in this folder; teachkit is {__version__}.", AWAY)
    return version_check(read_course(root))


def data_check(root: Path | None) -> Check:
    """The source in force, and the lessons for which it has nothing."""
    source = sources.current()
    if root is None:
        return Check("data", "ok", f"Data come from: {source.label}.")
    lessons = [lesson for lesson in read_course(root).lessons if lesson.data]
    without = within(
        PATIENCE_S, lambda: [lesson.id for lesson in lessons if len(available(lesson.data)) < lesson.sets]
    )
    details = {"source": source.label, "lessons_without": without}
    if without:
        return Check(
            "data",
            "problem",
            f"Data come from: {source.label}. It has too little for lessons {', '.join(without)}.",
            "See what is there: teachkit data list. Or unset the variable that chooses this source.",
            details,
        )
    return Check(
        "data",
        "ok",
        f"Data come from: {source.label}. It serves all {len(lessons)} lessons.",
        details=details,
    )
