"""``nbgrader fetch_feedback``: the pages written about each of the student's own attempts."""

from nbgrader.exchange import abc

from teachkit.course.exchange import names
from teachkit.course.exchange.attempts import hand_ins
from teachkit.course.exchange.base import Exchange
from teachkit.paths import atomic


class ExchangeFetchFeedback(Exchange, abc.ExchangeFetchFeedback):
    """Bring feedback into ``ASSIGNMENT/feedback/TIMESTAMP``.

    Attempts are asked from the server, so it works on another machine than the one that handed in.
    """

    def init_src(self) -> None:
        """What was handed in, and which pages there are."""
        self.check_access(self.me)
        self.moments = {
            one.attempt: one.moment for one in hand_ins(self.store, self.course, self.me, self.assignment)
        }
        pages = map(
            names.read_feedback_page,
            (one.name for one in self.store.list(names.feedback(self.course, self.me, self.assignment))),
        )
        self.pages = [page for page in pages if page and page.attempt in self.moments]

    def init_dest(self) -> None:
        """A folder for each attempt with feedback; say for which attempts there is none."""
        self.dest = self.place(self.assignment) / "feedback"
        with_feedback = {page.attempt for page in self.pages}
        for attempt, moment in self.moments.items():
            if attempt not in with_feedback:
                self.log.warning(
                    "Could not find feedback for '%s/%s' submitted at %s",
                    self.course,
                    self.assignment,
                    self.stamp(moment),
                )

    def copy_files(self) -> None:
        """Write each page whole."""
        for page in self.pages:
            target = self.dest / self.stamp(self.moments[page.attempt]) / f"{page.notebook}.html"
            content = self.store.read(names.feedback_page(page))
            with atomic(target) as temporary:
                temporary.write_bytes(content)
            self.log.info("Fetched feedback: %s", target)
