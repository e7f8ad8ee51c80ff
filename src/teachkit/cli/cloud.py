"""``teachkit cloud``: run lessons on a machine of the cloud, follow them, bring the results back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from teachkit.cloud import names
from teachkit.errors import SettingsError

if TYPE_CHECKING:
    from teachkit.cloud.service import Jobs
    from teachkit.ops.cloud.plan import Plan, Wishes
    from teachkit.ops.cloud.tickets import Ticket

app = typer.Typer(
    help="Run lessons on a machine of the cloud, and bring the results back.", no_args_is_help=True
)

Out = Annotated[
    Path | None, typer.Option(help="Folder that keeps runs and results; build/cloud of the course if none.")
]
Run = Annotated[str, typer.Argument(help="Name of the run or its beginning; the newest when none is given.")]
Project = Annotated[str, typer.Option(envvar="GOOGLE_CLOUD_PROJECT", help="Project that pays.")]
Region = Annotated[
    str, typer.Option(envvar="TEACHKIT_REGION", help="Where the job runs; quotas belong to it.")
]


Accelerator = Annotated[str, typer.Option(help="l4, t4, a100 or none.")]
Count = Annotated[int, typer.Option(help="How many of them in one machine.")]
Machine = Annotated[str, typer.Option(help="Type of machine; one that fits when none is given.")]
Spot = Annotated[bool, typer.Option("--spot", help="Cheaper; the machine can be taken away.")]
FlexStart = Annotated[bool, typer.Option("--flex-start", help="Wait up to a day for a GPU (l4, a100).")]
Data = Annotated[str, typer.Option(help="gs://BUCKET/FOLDER, public or offline; as here when not given.")]
Bucket = Annotated[str, typer.Option(envvar="TEACHKIT_RUNS", help="gs://BUCKET/FOLDER where results go.")]
Image = Annotated[str, typer.Option(envvar="TEACHKIT_IMAGE", help="Image of the course (docs/cloud.md).")]
Account = Annotated[str, typer.Option(envvar="TEACHKIT_ACCOUNT", help="In whose name the job works.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the request; start nothing.")]
Detach = Annotated[bool, typer.Option("--detach", help="Start, and do not wait.")]
Again = Annotated[bool, typer.Option("--again", help="Start anew, whatever ran before.")]


@app.command()
def run(
    lessons: Annotated[list[str], typer.Argument(help="Ids or files of lessons.")],
    size: Annotated[str, typer.Option(help="smoke, class or full.")] = "full",
    seed: Annotated[int, typer.Option(help="First seed of each lesson.")] = 0,
    accelerator: Accelerator = "l4",
    count: Count = 1,
    machine: Machine = "",
    machines: Annotated[int, typer.Option(help="Machines that share the lessons.")] = 1,
    spot: Spot = False,
    flex_start: FlexStart = False,
    timeout: Annotated[
        int, typer.Option(help="Minutes after which the job is stopped; 0: twice the expected.")
    ] = 0,
    data: Data = "",
    project: Project = "",
    region: Region = names.REGION,
    bucket: Bucket = "",
    image: Image = "",
    service_account: Account = "",
    dry_run: DryRun = False,
    detach: Detach = False,
    again: Again = False,
    out: Out = None,
) -> None:
    """Run lessons on a machine with a GPU: says the price, waits, brings results, judges every number."""
    from teachkit.ops.cloud.plan import Wishes

    wishes = Wishes(
        lessons=tuple(lessons),
        size=size,
        seed=seed,
        accelerator=accelerator,
        count=count,
        machine=machine,
        machines=machines,
        provisioning=_way(spot, flex_start),
        timeout_s=60 * timeout,
        data=data,
        project=project,
        region=region,
        bucket=bucket,
        image=image,
        service_account=service_account,
    )
    _start(wishes, _folder(out), dry_run=dry_run, again=again, detach=detach)


@app.command()
def train(
    program: Annotated[
        list[str], typer.Argument(help="After --: a module and its arguments, without --out.")
    ],
    accelerator: Accelerator = "l4",
    count: Count = 1,
    machine: Machine = "",
    machines: Annotated[int, typer.Option(help="Machines that train together.")] = 1,
    spot: Spot = False,
    flex_start: FlexStart = False,
    timeout: Annotated[int, typer.Option(help="Minutes after which the job is stopped.")] = 240,
    data: Data = "",
    project: Project = "",
    region: Region = names.REGION,
    bucket: Bucket = "",
    image: Image = "",
    service_account: Account = "",
    dry_run: DryRun = False,
    detach: Detach = False,
    again: Again = False,
    out: Out = None,
) -> None:
    """Run a training program on every GPU of every machine, such as -- teachkit.mmpt.job big."""
    from teachkit.ops.cloud.plan import Wishes

    wishes = Wishes(
        lessons=(),
        program=tuple(program),
        accelerator=accelerator,
        count=count,
        machine=machine,
        machines=machines,
        provisioning=_way(spot, flex_start),
        timeout_s=60 * timeout,
        data=data,
        project=project,
        region=region,
        bucket=bucket,
        image=image,
        service_account=service_account,
    )
    _start(wishes, _folder(out), dry_run=dry_run, again=again, detach=detach)


@app.command("list")
def list_runs(project: Project = "", region: Region = "", out: Out = None) -> None:
    """The runs of this course that the service knows, newest first, with state and time."""
    from teachkit.cloud.jobs import RUN, elapsed_s, in_words
    from teachkit.ops.cloud.tickets import tickets

    if not project and (newest := next(iter(tickets(_folder(out))), None)):
        project, region = newest.project, region or newest.region
    if not project:
        raise SettingsError("It is not known which project to ask.", "Give --project.")
    region = region or names.REGION
    found = _jobs(project, region).find(RUN)
    for job in found:
        typer.echo(f"{job.display_name}: {in_words(job)}, {elapsed_s(job) / 60:.0f} min")
    if not found:
        typer.echo(f"No run of this course in {project}, {region}.")


@app.command()
def status(run: Run = "", project: Project = "", region: Region = names.REGION, out: Out = None) -> None:
    """State, time and cost so far of one run."""
    from teachkit.cloud.jobs import in_words
    from teachkit.ops.cloud.run import bill, the_job, why

    ticket = _ticket(run, project, region, _folder(out))
    job = the_job(ticket, _jobs(ticket.project, ticket.region), _folder(out))
    typer.echo(f"{ticket.run}: it {in_words(job)}.")
    typer.echo(bill(ticket, job))
    if reason := why(job):
        typer.secho(str(reason), fg="red", err=True)


@app.command()
def fetch(
    run: Run = "",
    wait: Annotated[bool, typer.Option(help="Wait for the end of the job first.")] = True,
    project: Project = "",
    region: Region = names.REGION,
    out: Out = None,
) -> None:
    """Bring the results of a run, check them, judge every number and write the report."""
    _finish(_ticket(run, project, region, _folder(out)), _folder(out), wait=wait)


@app.command()
def cancel(run: Run = "", project: Project = "", region: Region = names.REGION, out: Out = None) -> None:
    """End a run; what its lessons have left can still be fetched."""
    from teachkit.ops.cloud.run import name_of

    ticket = _ticket(run, project, region, _folder(out))
    jobs = _jobs(ticket.project, ticket.region)
    jobs.cancel(name_of(ticket, jobs, _folder(out)))
    typer.echo(f"{ticket.run} is being cancelled. Its results so far: teachkit cloud fetch {ticket.run}")


@app.command()
def prices() -> None:
    """What an hour costs with each accelerator, and the date of the table."""
    from teachkit.cloud.prices import dollars, hourly, table

    content = table()
    typer.echo(f"US dollars an hour in {content['region']}, as of {content['as_of']}: {content['source']}.")
    typer.echo(f"{'accelerator':12}{'machine':16}{'job':>8}{'job, Spot':>11}{'Workbench':>11}")
    rows = [(gpu.short, n, kind) for gpu in names.ACCELERATORS.values() for n, kind in gpu.machines.items()]
    for short, number, kind in [("none", 0, names.CPU_MACHINE), *rows]:
        job, spare, bare = (
            hourly(kind, short, number, spot, training=training).usd
            for spot, training in ((False, True), (True, True), (False, False))
        )
        which = f"{number} x {short}" if number else "none"
        typer.echo(f"{which:12}{kind:16}{job:>8.2f}{spare:>11.2f}{bare:>11.2f}")
    disk = dollars(content["disk_month"])
    typer.echo(f"A disk of 100 GB: about {disk} a month, also while the machine is stopped.")


def _folder(out: Path | None) -> Path:
    from teachkit.paths import course_root

    return out or course_root() / "build" / "cloud"


def _ticket(run: str, project: str, region: str, out: Path) -> "Ticket":
    """The run that was started here; one that was started elsewhere is asked of the service."""
    from teachkit.ops.cloud.run import adopt
    from teachkit.ops.cloud.tickets import choose, tickets

    here = any(ticket.run.startswith(run) for ticket in tickets(out))
    if run and project and not here:
        return adopt(run, _jobs(project, region), project, out)
    return choose(out, run)


def _jobs(project: str, region: str) -> "Jobs":
    from teachkit.cloud.service import Jobs

    return Jobs(project, region)


def _show(plan: "Plan", missing: list[str]) -> None:
    """The request as the service would get it; sentences go to standard error, so it can be piped."""
    import json

    from teachkit.cloud.jobs import custom_job

    job = custom_job(plan.config)  # first, because it says when the extra is missing
    from google.protobuf.json_format import MessageToDict

    for line in plan.sentences():
        typer.echo(line, err=True)
    if missing:
        typer.echo(f"Still to be said: {', '.join(missing)}. Words in capitals stand for them.", err=True)
    typer.echo(json.dumps(MessageToDict(job._pb), indent=2))


def _way(spot: bool, flex_start: bool) -> str:
    if spot and flex_start:
        raise SettingsError("--spot and --flex-start exclude each other.", "Give one of them.")
    return names.SPOT if spot else names.FLEX_START if flex_start else names.ON_DEMAND


def _start(wishes: "Wishes", out: Path, *, dry_run: bool, again: bool, detach: bool) -> None:
    """Plan, say the price, and begin or only show."""
    from teachkit.course.declaration import read_course
    from teachkit.ops.cloud.plan import make_plan
    from teachkit.ops.cloud.run import start
    from teachkit.paths import course_root

    course = read_course(course_root())
    if dry_run:
        _show(make_plan(course, wishes.filled()), wishes.missing())
        return
    plan = make_plan(course, wishes)
    for line in plan.sentences():
        typer.echo(line)
    ticket = start(plan, _jobs(wishes.project, wishes.region), out, again=again, tell=typer.echo)
    if detach:
        typer.echo(f"It runs without you. Later: teachkit cloud fetch {ticket.run}")
        return
    _finish(ticket, out, wait=True)


def _finish(ticket: "Ticket", out: Path, *, wait: bool) -> None:
    """Wait, fetch, judge; ends with 1 when the job or a number was not as it should be."""
    from teachkit.course.declaration import read_course
    from teachkit.ops.cloud.run import bill, bring, follow, the_job, verdicts, why
    from teachkit.paths import course_root

    jobs = _jobs(ticket.project, ticket.region)
    try:
        job: Any = follow(ticket, jobs, out, typer.echo) if wait else the_job(ticket, jobs, out)
    except KeyboardInterrupt:
        typer.echo(
            f"\nThe job goes on, and costs. Follow it: teachkit cloud fetch {ticket.run}\n"
            f"End it: teachkit cloud cancel {ticket.run}",
            err=True,
        )
        raise typer.Exit(130) from None
    typer.echo(bill(ticket, job))
    reason = why(job)
    if reason:
        typer.secho(str(reason), fg="red", err=True)
    brought = bring(ticket, job, read_course(course_root()), out)
    for line in verdicts(brought):
        typer.echo(line)
    typer.echo(f"{'Report' if brought.outcome else 'Files'}: {brought.place}")
    if reason or not brought.complete:
        raise typer.Exit(1)
