"""The worker: takes jobs one by one and scores them. Run as many as there are cores."""

import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

from django.db import InterfaceError, OperationalError, close_old_connections

from teachkit.errors import TeachkitError
from teachkit.leaderboard.challenges.vault import check_that_labels_are_private
from teachkit.leaderboard.submissions import flags, queue
from teachkit.leaderboard.submissions.confined import ScoringFailed, score_confined
from teachkit.leaderboard.submissions.models import Job

log = logging.getLogger(__name__)
REST_SECONDS = 0.5
PATIENCE_SECONDS = 120.0  # for a database that starts again
AWAY = (OperationalError, InterfaceError)


class Worker:
    """Scores until it is told to stop."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"
        self.stopping = False
        self.seen = time.monotonic()

    def stop(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """Finish the job at hand, then end."""
        self.stopping = True

    def run(self) -> None:
        """Until `stop`; a database that is away for a while is waited for."""
        check_that_labels_are_private()
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        log.info("worker starts", extra={"worker": self.name})
        while not self.stopping:
            self.seen = time.monotonic()
            try:
                busy = self.once()
            except AWAY as error:
                log.warning("database is away", extra={"reason": type(error).__name__})
                busy = False
            close_old_connections()
            if not busy:
                time.sleep(REST_SECONDS)

    def once(self) -> bool:
        """Take one job, if there is one, and bring it to an end; whether there was one."""
        job = queue.claim(self.name)
        if job is None:
            return False
        self.work(job)
        return True

    def beat(self, job: Job) -> bool:
        """A sign of life while a file is scored, each second; False when the job is no longer ours.

        While the database is away nobody can take the job; whether it is still ours shows at the end.
        """
        self.seen = time.monotonic()
        try:
            return queue.renew(job)
        except AWAY:
            close_old_connections()
            return True

    def work(self, job: Job) -> None:
        """Score the submission of `job`, and write what was found or why not."""
        try:
            found = score_confined(job.submission, lambda: self.beat(job))
        except ScoringFailed as error:
            log.error("child failed", extra={"job": job.pk, "said": error.values.get("said", "")})
            reason = error.what
        except (OSError, TeachkitError) as error:
            reason = f"{type(error).__name__} while scoring."
        else:
            self.write(lambda: queue.finish(job, found))
            self.write(lambda: flags.look_at(job.submission))
            log.info("scored", extra={"job": job.pk, "submission": job.submission_id})
            return
        self.write(lambda: queue.give_up(job, reason))

    def write(self, outcome: Callable[[], object]) -> None:
        """Write how a job ended; written once, however often this is tried while the database is away."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                outcome()
                return
            except AWAY as error:
                if self.stopping or time.monotonic() > end:
                    raise
                log.warning("database is away", extra={"reason": type(error).__name__})
            self.seen = time.monotonic()
            close_old_connections()
            time.sleep(REST_SECONDS)
