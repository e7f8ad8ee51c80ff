"""The stub of each run, kept on this machine: ``OUT/RUN/job.json``. With it a run is followed at any time.

It is written before the job is asked for, so a lost reply, a closed laptop or Ctrl-C never loses a job.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from teachkit.cloud import names
from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.ops.cloud.plan import STARTING_S
from teachkit.ops.cloud.words import ENTRY, read
from teachkit.paths import atomic

TICKET = "job.json"
QUEUE_S = 3600.0  # so long may a job wait for its machine before it is cancelled


@dataclass(frozen=True)
class Ticket:
    """One run: what it is, where it runs, and where its results go. `job` is the service's name for it."""

    run: str
    project: str
    region: str
    output: str
    lessons: tuple[str, ...]
    size: str
    seed: int
    machine: str
    accelerator: str
    count: int
    machines: int
    spot: bool
    patience_s: float
    job: str = ""

    def folder(self, out: Path) -> Path:
        """Where the results of this run go on this machine."""
        return out / self.run


def ticket_of(job: Any, project: str, region: str) -> Ticket:
    """The stub of a job as its own request says; also for one that was started on another machine.

    Raises:
        SettingsError: the job was not started by ``teachkit cloud``.
    """
    spec = job.job_spec
    pools = list(spec.worker_pool_specs)
    whole = list(pools[0].container_spec.command) if pools else []
    if tuple(whole[: len(ENTRY)]) != ENTRY:
        raise SettingsError(
            f"The job '{job.display_name}' was not started by teachkit cloud.",
            "Look at it in the console.",
            job=job.display_name,
        )
    said, machine = read(whole), pools[0].machine_spec
    flexible = spec.scheduling.strategy.name == names.FLEX_START
    queue_s = spec.scheduling.max_wait_duration.total_seconds() if flexible else QUEUE_S
    return Ticket(
        run=job.display_name,
        project=project,
        region=region,
        output=said.output,
        lessons=tuple(said.lessons),
        size=said.size,
        seed=said.seed,
        machine=machine.machine_type,
        accelerator=said.accelerator,
        count=machine.accelerator_count,
        machines=sum(pool.replica_count for pool in pools),
        spot=spec.scheduling.strategy.name == names.SPOT,
        patience_s=queue_s + STARTING_S + spec.scheduling.timeout.total_seconds(),
        job=job.name,
    )


def save(ticket: Ticket, out: Path, job: str = "") -> Ticket:
    """Keep `ticket`, with the service's name for the job once it is known."""
    ticket = replace(ticket, job=job or ticket.job)
    with atomic(ticket.folder(out) / TICKET) as temporary:
        temporary.write_text(json.dumps(asdict(ticket), indent=1) + "\n", encoding="utf-8")
    return ticket


def tickets(out: Path) -> list[Ticket]:
    """All stubs in `out`, newest first; a file that is not one is left out."""
    found = []
    for path in out.glob(f"*/{TICKET}"):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            found.append(
                (path.stat().st_mtime_ns, Ticket(**{**content, "lessons": tuple(content["lessons"])}))
            )
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return [ticket for _, ticket in sorted(found, key=lambda item: item[0], reverse=True)]


def choose(out: Path, run: str = "") -> Ticket:
    """The run of that name or beginning of a name; without one the newest.

    Raises:
        SettingsError: nothing was started from here, or the beginning fits several.
        UnknownNameError: no such run.
    """
    known = tickets(out)
    if not known:
        raise SettingsError(
            f"No run was started from here: '{out}' holds none.",
            "teachkit cloud list asks the service; then name the run and give --project.",
            out=str(out),
        )
    if not run:
        return known[0]
    fitting = [ticket for ticket in known if ticket.run.startswith(run)]
    exact = [ticket for ticket in fitting if ticket.run == run]
    if exact or len(fitting) == 1:
        return (exact or fitting)[0]
    if not fitting:
        raise UnknownNameError(
            f"No run '{run}'.", nearest(run, (ticket.run for ticket in known), "runs"), run=run
        )
    raise SettingsError(
        f"'{run}' fits {len(fitting)} runs.",
        f"Say which: {', '.join(ticket.run for ticket in fitting)}.",
        run=run,
    )
