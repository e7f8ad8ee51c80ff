"""``nbgrader fetch_assignment``: the released archive becomes a folder to work in."""

import shutil

from nbgrader.exchange import abc

from teachkit.course.exchange import names
from teachkit.course.exchange.archive import unpack
from teachkit.course.exchange.base import Exchange, whole_folder
from teachkit.errors import nearest


class ExchangeFetchAssignment(Exchange, abc.ExchangeFetchAssignment):
    """Bring a released assignment here, all of it or nothing; with ``--replace`` only what is missing."""

    def init_src(self) -> None:
        """The object of the release."""
        self.check_access(self.coursedir.student_id)
        self.src = names.release(self.course, self.assignment)
        if self.store.stat(self.src) is None:
            found = map(
                names.read_release, (stored.name for stored in self.store.list(names.releases(self.course)))
            )
            known = [release[1] for release in found if release]
            self._fail(
                f"Assignment not found: {self.assignment}. {nearest(self.assignment, known, 'assignments')}"
            )

    def init_dest(self) -> None:
        """The student's folder for it."""
        self.dest = self.place(self.assignment)
        if self.dest.is_dir() and not self.replace_missing_files:
            self._fail(f"You already have a copy of the assignment in this directory: {self.dest}")

    def copy_files(self) -> None:
        """Unpack beside the target, then give the folder, or each missing file, its place."""
        content = self.store.read(self.src)
        if not self.dest.exists():
            with whole_folder(self.dest) as fresh:
                unpack(content, fresh, self.limits)
        else:
            with whole_folder(self.dest / ".fetched") as fresh:
                for name in unpack(content, fresh, self.limits):
                    if not (self.dest / name).exists():
                        self.log.warning("Replacing missing file '%s'", name)
                        (self.dest / name).parent.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(fresh / name, self.dest / name)
            shutil.rmtree(self.dest / ".fetched")
        self.log.info("Fetched as: %s %s", self.course, self.assignment)
