"""Is this a course, and is the package the one it was written for?"""

from pathlib import Path

from teachkit import __version__
from teachkit.course.condition import Check, version_check
from teachkit.course.declaration import read_course

AWAY = "Change to the folder of the course and call it again."


def course_check(root: Path | None) -> Check:
    """The version of teachkit against that of the lessons."""
    if root is None:
        return Check("course", "note", f"No course in this folder; teachkit is {__version__}.", AWAY)
    return version_check(read_course(root))
