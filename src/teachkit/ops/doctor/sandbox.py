"""Can code of others run in a box here?"""

from pathlib import Path

from teachkit.course.box import missing
from teachkit.course.box.walls import UNBOXED, allowed_without
from teachkit.course.condition import Check


def sandbox_check(root: Path | None) -> Check:
    """Whether a box can be built. Who grades needs one, others do not."""
    reason = missing()
    if not reason:
        return Check("sandbox", "ok", "Code of others can run in a box.")
    if allowed_without():
        found = f"{reason} {UNBOXED}=1 lets code of others run without one."
        return Check("sandbox", "note", found, f"Unset {UNBOXED} unless you trust that code.")
    grades = root is not None and (root / "quizzes" / "source").is_dir()
    if grades:
        return Check("sandbox", "problem", reason, "Nothing is graded on this machine before that is mended.")
    return Check("sandbox", "note", reason, "Nothing to do: only who grades needs it.")
