"""The service of jobs: one client that never starts a job twice, and patient waiting.

The reply to a request can be lost although the job began. Before a job is asked for again, the service is
therefore asked what it has under the label of the run.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Protocol

from teachkit.cloud import names
from teachkit.cloud.explain import cloud_error, explain
from teachkit.cloud.jobs import RUN, JobConfig, custom_job, ended, in_words
from teachkit.errors import CloudError, TeachkitError
from teachkit.extras import need

ENDPOINT = "TEACHKIT_JOBS_HOST"  # such as http://127.0.0.1:8080: a stand-in for the service, without sign-in
REQUEST_S = 30.0  # for one request
TRIES, PAUSE_S = 4, 5.0  # for a request that gets no answer; the pause doubles
POLL_S = 20.0
OUTAGE_S = 1800.0  # so long may the service be silent while a job is being watched
PENDING_S = 900.0  # waiting longer than this for a machine is worth a word
ENDING_S = 600.0  # so long we wait for a cancelled job to end
PASSING = ("network", "busy")  # kinds of failure that may be over by the next try


class Clock(Protocol):
    """Where time comes from; tests bring their own."""

    def now(self) -> float:
        """Seconds since some moment."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


class WallClock:
    """The real time."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Jobs:
    """The custom jobs of one project in one region. Nothing is contacted before the first question."""

    def __init__(self, project: str, region: str, clock: Clock | None = None) -> None:
        self.parent = f"projects/{project}/locations/{region}"
        self.region = region
        self.clock = clock or WallClock()

    def create(self, config: JobConfig) -> Any:
        """Start the job, once; when a reply is lost, the job is looked for before it is asked for again.

        Raises:
            CloudError: the service refused; or it gave no answer, and then the job may run all the same.
        """
        job = custom_job(config)
        for attempt in range(TRIES):
            try:
                return self._client.create_custom_job(
                    parent=self.parent, custom_job=job, timeout=REQUEST_S, retry=None
                )
            except Exception as error:
                if explain(error).kind not in PASSING:
                    raise cloud_error(error, "The job was not started") from error
            self.clock.sleep(PAUSE_S * 2**attempt)
            if found := self._found_again(config.run):
                return found
        raise CloudError(
            f"The job '{config.run}' was asked for {TRIES} times, and the service did not answer.",
            "It may run all the same. Type the same command again: a job that is there is taken up.",
            kind="network",
        )

    def get(self, name: str) -> Any:
        """The job as it is now."""
        with _explained("The job cannot be looked at"):
            return self._client.get_custom_job(name=name, timeout=REQUEST_S, retry=None)

    def find(self, label: str, value: str = "") -> list[Any]:
        """The jobs with this label and value, newest first; without a value those that have the label."""
        wanted = f'labels.{label}="{value}"' if value else f"labels.{label}:*"
        with _explained("The jobs cannot be listed"):
            found = list(
                self._client.list_custom_jobs(
                    request={"parent": self.parent, "filter": wanted}, timeout=REQUEST_S, retry=None
                )
            )
        oldest = datetime.min.replace(tzinfo=UTC)
        return sorted(found, key=lambda job: job.create_time or oldest, reverse=True)

    def cancel(self, name: str) -> None:
        """Ask for the end of a job; one that has ended already is left as it is."""
        try:
            with _explained("The job cannot be cancelled"):
                self._client.cancel_custom_job(name=name, timeout=REQUEST_S, retry=None)
        except CloudError:
            if not ended(self.get(name)):
                raise

    def _found_again(self, run: str) -> Any | None:
        try:
            return next(iter(self.find(RUN, run)), None)
        except CloudError:
            return None

    @cached_property
    def _client(self) -> Any:
        v1 = need("google.cloud.aiplatform_v1", "cloud")
        from google.auth.credentials import AnonymousCredentials

        if host := os.environ.get(ENDPOINT):
            return v1.JobServiceClient(
                credentials=AnonymousCredentials(), transport="rest", client_options={"api_endpoint": host}
            )
        with _explained("The service of jobs cannot be reached"):
            return v1.JobServiceClient(
                transport="rest",
                client_options={"api_endpoint": f"{self.region}-{names.JOBS_API}"},
            )


def wait(jobs: Jobs, name: str, *, deadline_s: float, tell: Callable[[str], None] = lambda _: None) -> Any:
    """Watch a job until it has ended, and return it; after `deadline_s` seconds it is cancelled.

    Silence of the service is borne for half an hour, because the job goes on without us.

    Raises:
        CloudError: the service refuses to answer, or has been silent for too long.
    """
    watch = _Watch(jobs, name, deadline_s, tell)
    while (job := watch.look()) is None or not ended(job):
        watch.stop_when_over()
        jobs.clock.sleep(POLL_S)
    return job


class _Watch:
    """What is remembered between two looks at a job."""

    def __init__(self, jobs: Jobs, name: str, deadline_s: float, tell: Callable[[str], None]) -> None:
        self.jobs, self.name, self.deadline_s, self.tell = jobs, name, deadline_s, tell
        self.begun = self.heard = self.changed = jobs.clock.now()
        self.words = ""
        self.warned = False
        self.cancelled: float | None = None

    def look(self) -> Any | None:
        """The job, or None while the service is silent; a new state is told."""
        now = self.jobs.clock.now()
        try:
            job = self.jobs.get(self.name)
        except CloudError as error:
            if error.kind not in PASSING or now - self.heard > OUTAGE_S:
                raise
            return None
        self.heard = now
        if (words := in_words(job)) != self.words:
            self.tell(f"The job {words}.")
            self.words, self.changed = words, now
        pending = job.state.name == "JOB_STATE_PENDING"
        if pending and not self.warned and now - self.changed > PENDING_S:
            self.tell(
                f"It has waited {PENDING_S / 60:.0f} minutes: the region may have no such machine free."
            )
            self.warned = True
        return job

    def stop_when_over(self) -> None:
        """Cancel the job once when its time is over, and give up when it does not end then."""
        now = self.jobs.clock.now()
        if self.cancelled is None and now - self.begun > self.deadline_s:
            self.tell(f"{self.deadline_s / 60:.0f} minutes are over: the job is cancelled, to cost no more.")
            try:
                self.jobs.cancel(self.name)
            except CloudError as error:
                if error.kind not in PASSING:
                    raise
                return  # tried again after the next look
            self.cancelled = now
        if self.cancelled is not None and now - self.cancelled > ENDING_S:
            raise CloudError(
                f"The job '{self.name}' was cancelled {ENDING_S / 60:.0f} minutes ago and has not ended.",
                "Look at it in the console: it may cost money.",
                kind="unknown",
            )


@contextmanager
def _explained(doing: str) -> Iterator[None]:
    """Whatever the cloud libraries raise, in plain words; a missing extra is said as it is."""
    try:
        yield
    except TeachkitError:
        raise
    except Exception as error:
        raise cloud_error(error, doing) from error
