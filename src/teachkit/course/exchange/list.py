"""``nbgrader list``: releases, a student's own attempts, or the hand-ins of a class."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import Any

from nbgrader.exchange import abc
from traitlets import List, Unicode

from teachkit.cloud.store import Stored, md5_of
from teachkit.course.exchange import names
from teachkit.course.exchange.attempts import HandIn, hand_ins, keep, kept, notebooks_of
from teachkit.course.exchange.base import EVERYBODY, Exchange
from teachkit.errors import ExchangeRefusedError

Row = dict[str, Any]


class ExchangeList(Exchange, abc.ExchangeList):
    """Rows in the form that the assignment list and formgrader read; ``--remove`` deletes what it lists."""

    courses = List(Unicode(), help="Courses to list when none is named.").tag(config=True)

    def init_src(self) -> None:
        """Which courses."""
        self.asked = [self.coursedir.course_id] if self.coursedir.course_id else list(self.courses)
        if not self.asked:
            self._fail("No course id specified. Re-run with --course flag.")

    def init_dest(self) -> None:
        """Nothing to prepare."""

    def copy_files(self) -> None:
        """Nothing to copy."""

    def list_files(self) -> list[Row]:
        """The rows, which are logged too."""
        rows = [row for course in self.asked for row in self._rows(course)]
        verb = "Removing" if self.remove else ""
        if self.inbound or self.cached:
            self.log.info("%s", f"{verb} submitted assignments:".strip().capitalize())
            for row in rows:
                for one in row["submissions"]:
                    self.log.info(_submitted_line(one))
        else:
            self.log.info("%s", f"{verb} released assignments:".strip().capitalize())
            for row in rows:
                here = " (already downloaded)" if row["status"] == "fetched" else ""
                self.log.info("%s %s%s", row["course_id"], row["assignment_id"], here)
        return rows

    def remove_files(self) -> list[Row]:
        """Delete from the server what `list_files` shows; copies on this machine stay."""
        if self.cached:
            self._fail("What you handed in stays with your instructor and cannot be removed.")
        rows = self.list_files()
        for course in self.asked:
            for stored in self._releases(course) if not self.inbound else self._inbound(course):
                self.store.delete(stored.name if isinstance(stored, Stored) else stored.stored.name)
        return rows

    def _rows(self, course: str) -> list[Row]:
        if self.cached:
            student = self.me
            return self._submitted(course, self._own(course, student), student)
        if self.inbound:
            return self._submitted(course, self._inbound(course), self._one_student())
        return [self._released(stored) for stored in self._releases(course)]

    def _releases(self, course: str) -> list[Stored]:
        found = self.store.list(names.releases(course))
        return [stored for stored in found if self._asked(names.read_release(stored.name))]

    def _asked(self, release: tuple[str, str] | None) -> bool:
        return release is not None and self.assignment in {"", release[1]}

    def _released(self, stored: Stored) -> Row:
        course, assignment = names.read_release(stored.name) or ("", "")
        place = self.place(assignment, course)
        fetched = place.is_dir() and not self.remove
        path = str(place) if fetched else f"{self.store.url}/{stored.name}"
        if fetched:
            notebooks = [(one.stem, str(one)) for one in sorted(place.glob("*.ipynb"))]
        else:
            notebooks = [(name, f"{path}/{name}.ipynb") for name in notebooks_of(stored)]
        return {
            "course_id": course,
            "assignment_id": assignment,
            "status": "removed" if self.remove else "fetched" if fetched else "released",
            "path": path,
            "notebooks": [{"notebook_id": name, "path": where} for name, where in notebooks],
        }

    def _own(self, course: str, student: str) -> list[HandIn]:
        return hand_ins(self.store, course, student, self.assignment)

    def _one_student(self) -> str:
        """The only student whose folders are looked at; "" where those of the whole class are.

        A student's machine asks for nothing but the student's own, because anything else is refused.
        """
        wanted = self.coursedir.student_id or EVERYBODY
        if wanted == EVERYBODY:
            return self.me if self.student else ""
        return "" if set(wanted) & set("*?[") else wanted

    def _inbound(self, course: str) -> list[HandIn]:
        student = self._one_student()
        found = hand_ins(self.store, course, student, self.assignment)
        wanted = student or self.coursedir.student_id or EVERYBODY
        return [one for one in found if fnmatchcase(one.attempt.student, wanted)]

    def _submitted(self, course: str, found: list[HandIn], student: str = "") -> list[Row]:
        pages = self._pages(course, student)
        copies = self._copies(course, found) if self.cached else {}
        ordered = sorted(found, key=lambda one: (one.attempt.student, one.attempt.assignment, one.moment))
        rows = []
        for (who, what), group in groupby(ordered, lambda one: (one.attempt.student, one.attempt.assignment)):
            rows.append(
                {
                    "course_id": course,
                    "student_id": who,
                    "assignment_id": what,
                    "status": "removed" if self.remove else "submitted",
                    "submissions": [
                        self._submission(one, copies.get(one.attempt.token), pages) for one in group
                    ],
                }
            )
        return rows

    def _pages(self, course: str, student: str) -> dict[tuple[str, str], Stored]:
        """(token, notebook) → page of feedback on the server."""
        found = {
            names.read_feedback_page(one.name): one
            for one in self.store.list(names.feedback(course, student))
        }
        return {(page.attempt.token, page.notebook): one for page, one in found.items() if page}

    def _copies(self, course: str, found: Iterable[HandIn]) -> dict[str, Path]:
        """token → copy on this machine; a copy that is missing is brought back from the server."""
        folder = Path(self.cache, course)
        copies = kept(folder)
        for one in found:
            if one.attempt.token not in copies:
                try:
                    content = self.store.read(one.stored.name)
                    copies[one.attempt.token] = keep(
                        folder, one, content, stamp=self.stamp(one.moment), limits=self.limits
                    )
                except ExchangeRefusedError as error:
                    self.log.warning("The copy of %s on the server: %s", one.attempt.token, error.what)
        return copies

    def _submission(self, one: HandIn, copy: Path | None, pages: dict[tuple[str, str], Stored]) -> Row:
        stamp = self.stamp(one.moment)
        place = self.place(one.attempt.assignment, one.attempt.course) / "feedback" / stamp
        path = str(copy) if copy else f"{self.store.url}/{one.stored.name}"
        inside = sorted(page.stem for page in copy.glob("*.ipynb")) if copy else one.notebooks
        notebooks = [
            {
                "notebook_id": name,
                "path": f"{path}/{name}.ipynb",
                **_feedback(place / f"{name}.html", pages.get((one.attempt.token, name))),
            }
            for name in inside
        ]
        local = bool(notebooks) and all(notebook["has_local_feedback"] for notebook in notebooks)
        return {
            "course_id": one.attempt.course,
            "student_id": one.attempt.student,
            "assignment_id": one.attempt.assignment,
            "timestamp": stamp,
            "status": "removed" if self.remove else "submitted",
            "path": path,
            "notebooks": notebooks,
            "has_local_feedback": local,
            "has_exchange_feedback": bool(notebooks) and all(n["has_exchange_feedback"] for n in notebooks),
            "feedback_updated": any(notebook["feedback_updated"] for notebook in notebooks),
            "local_feedback_path": str(place) if local else None,
        }


def _feedback(local: Path, page: Stored | None) -> Row:
    """What a row says about the feedback on one notebook."""
    here = local.is_file()
    return {
        "has_local_feedback": here,
        "has_exchange_feedback": page is not None,
        "local_feedback_path": str(local) if here else None,
        "feedback_updated": bool(here and page and md5_of(local.read_bytes()) != page.md5),
    }


def _submitted_line(one: Row) -> str:
    line = "{course_id} {student_id} {assignment_id} {timestamp}".format(**one)
    if one["has_local_feedback"] and not one["feedback_updated"]:
        return f"{line} (feedback already fetched)"
    if one["has_exchange_feedback"]:
        return f"{line} (feedback ready to be fetched)"
    return f"{line} (no feedback available)"
