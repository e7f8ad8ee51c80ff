"""One run from start to end: begin or take up a job, follow it, bring its results, judge every number."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teachkit.cloud.bucket_store import BucketStore
from teachkit.cloud.explain import Explanation, explain
from teachkit.cloud.jobs import KEY, RUN, custom_job, elapsed_s, ended, in_words
from teachkit.cloud.names import JOB_PAGE
from teachkit.cloud.prices import cost, dollars, hourly
from teachkit.cloud.service import Jobs, wait
from teachkit.course.bands import Finding
from teachkit.course.declaration import Course
from teachkit.course.outcome import Outcome, conclude
from teachkit.course.report import write_report
from teachkit.errors import CloudError, StorageError, UnknownNameError
from teachkit.ops.cloud.files import FINISHED, Manifest, download
from teachkit.ops.cloud.plan import Plan, going_on
from teachkit.ops.cloud.tickets import Ticket, save, ticket_of

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Brought:
    """What came back: one list a machine, without those that wrote none; the judgement; what to open.

    A program has no judgement.
    """

    manifests: tuple[Manifest, ...]
    outcome: Outcome | None
    place: Path

    @property
    def complete(self) -> bool:
        """Whether every machine finished its part and every number is as declared."""
        judged = self.outcome is None or self.outcome.ok
        return judged and all(manifest.state == FINISHED for manifest in self.manifests)


def start(plan: Plan, jobs: Jobs, out: Path, *, again: bool = False, tell: Tell) -> Ticket:
    """Begin the run, or take up one of the same words that is under way; `again` starts another one.

    When the newest run of these words ended without success, the new one goes on where it stopped.
    """
    wishes = plan.wishes
    earlier = [] if again else jobs.find(KEY, plan.config.key)
    if earlier and not ended(earlier[0]):
        tell(f"The same run is under way: {earlier[0].display_name}. It is taken up; --again starts another.")
        return save(ticket_of(earlier[0], wishes.project, wishes.region), out)
    if earlier and earlier[0].state.name != "JOB_STATE_SUCCEEDED":
        tell(f"The run {earlier[0].display_name} {in_words(earlier[0])}: what it finished is not repeated.")
        plan = going_on(plan, ticket_of(earlier[0], wishes.project, wishes.region).output)
    ticket = save(ticket_of(custom_job(plan.config), wishes.project, wishes.region), out)
    job = jobs.create(plan.config)
    tell(f"Started: {ticket.run}\nIts page and log: {page(job)}")
    return save(ticket, out, job=job.name)


def adopt(run: str, jobs: Jobs, project: str, out: Path) -> Ticket:
    """The stub of a run that was started elsewhere, asked of the service and kept here from now on.

    Raises:
        CloudError: the service knows no such run.
    """
    found = jobs.find(RUN, run)
    if not found:
        raise CloudError(
            f"There is no run '{run}' in {project}, {jobs.region}.",
            "teachkit cloud list shows those that are there.",
            kind="not-found",
        )
    return save(ticket_of(found[0], project, jobs.region), out)


def the_job(ticket: Ticket, jobs: Jobs, out: Path) -> Any:
    """The job of a stub as it is now."""
    return jobs.get(name_of(ticket, jobs, out))


def name_of(ticket: Ticket, jobs: Jobs, out: Path) -> str:
    """The service's name for the job of a stub, looked up by its label when it never arrived.

    Raises:
        CloudError: the job never began, or the service refuses.
    """
    if ticket.job:
        return ticket.job
    found = jobs.find(RUN, ticket.run)
    if not found:
        raise CloudError(
            f"The job of '{ticket.run}' never began.", "Start it with: teachkit cloud run", kind="not-found"
        )
    return save(ticket, out, job=found[0].name).job


def follow(ticket: Ticket, jobs: Jobs, out: Path, tell: Tell) -> Any:
    """Watch the job of `ticket` until it has ended; its time is limited as it was planned."""
    return wait(jobs, name_of(ticket, jobs, out), deadline_s=ticket.patience_s, tell=tell)


def bring(ticket: Ticket, job: Any, course: Course, out: Path) -> Brought:
    """Fetch what the machines have written so far, check hashes, judge numbers, write the report.

    Raises:
        CloudError: the job failed before any machine wrote anything; it says why.
        StorageError: no machine has written anything yet, or the bucket does not answer.
    """
    folder, store = ticket.folder(out), BucketStore(ticket.output)
    found = [download(store, machine, folder) for machine in range(ticket.machines)]
    manifests = tuple(manifest for manifest in found if manifest)
    if not manifests and (reason := why(job)):
        raise CloudError(f"The job {in_words(job)} before it wrote anything.", str(reason), kind=reason.kind)
    if not manifests:
        raise StorageError(
            f"{ticket.output} holds no results yet.",
            "The machine writes them after each lesson; if the job has ended, its log says why not.",
            url=ticket.output,
        )
    if not ticket.lessons:
        return Brought(manifests, None, folder)
    outcome = conclude(course, course.select(ticket.lessons), folder, grade=False)
    return Brought(manifests, outcome, write_report(outcome, folder))


def bill(ticket: Ticket, job: Any) -> str:
    """Elapsed time and its price, in one sentence."""
    seconds = elapsed_s(job)
    if not seconds:
        return "The job has not run, so it has cost nothing."
    try:
        price = hourly(ticket.machine, ticket.accelerator, ticket.count, spot=ticket.spot, training=True)
    except UnknownNameError:
        return f"It ran {seconds / 60:.0f} minutes; the price table does not know {ticket.machine}."
    amount = dollars(cost(price, seconds, ticket.machines))
    return f"It ran {seconds / 60:.1f} minutes: about {amount} at {price}."


def why(job: Any) -> Explanation | None:
    """Why a job did not succeed, in plain words; None when it did or has not ended."""
    if job.state.name == "JOB_STATE_SUCCEEDED" or not ended(job):
        return None
    if job.error.message:
        return explain(job.error.message)
    return Explanation("unknown", f"The job {in_words(job)}.", f"Its log says more: {page(job)}")


def page(job: Any) -> str:
    """The address of the job's page in the console, with its log; made from the service's name for it."""
    _, project, _, region, _, number = job.name.split("/")
    return JOB_PAGE.format(project=project, region=region, number=number)


def verdicts(brought: Brought) -> list[str]:
    """One line a lesson, and below it one for each number and each problem."""
    told = []
    for manifest in brought.manifests:
        problem = f": {manifest.problem}" if manifest.problem else ""
        told.append(f"Machine {manifest.machine} ({manifest.device or 'unknown'}) {manifest.state}{problem}")
    if brought.outcome is None:
        return told
    for item in brought.outcome.lessons:
        status = item.status
        state = f"{status.state}, {status.seconds:.0f} s" if status else "nothing came back"
        met = sum(finding.verdict == "met" for finding in item.findings)
        numbers = f"{met} of {len(item.findings)} numbers as declared"
        told.append(f"{item.lesson.id} {item.lesson.title}: {state}; {numbers}")
        told += [f"  {finding.verdict:7} {finding.sentence}" for finding in item.findings]
        told += [problem for problem in item.problems if not _told(problem, item.findings)]
    return [*told, *brought.outcome.problems]


def _told(problem: str, findings: Iterable[Finding]) -> bool:
    return any(problem.endswith(finding.sentence) for finding in findings)
