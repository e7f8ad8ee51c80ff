"""One Workbench instance a student: a pure function from the roster to gcloud commands, and what they cost.

Each instance runs ``post_startup.sh`` from the bucket that `teachkit.ops.handout` filled, at each start. A
student's own account opens the instance; the code on it works in the name of a service account. Where the
roster names a service account for a student, the instance works in its name.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from teachkit.cloud import names, prices
from teachkit.cloud.bucket import parse_url
from teachkit.course.roster import Entry, Roster
from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.ops.handout import SCRIPT

ACTIONS = ("create", "start", "stop", "delete")
VALUE = re.compile(r"[A-Za-z0-9@._:/+-]*")  # what post_startup.sh takes from the metadata
SERVICE = ".gserviceaccount.com"


@dataclass(frozen=True)
class Machine:
    """What every instance of a class has in common.

    Attributes:
        course: gs://BUCKET/PREFIX of `teachkit course publish --to`.
        account: service account whose name the instances work in; it must read the course.
        zone: where they are; GPUs come from this zone's region.
        gpu: "none", "t4", "l4" or "a100".
        machine: type of machine; "" for the smallest that fits the GPU.
        exchange, data, term: what becomes TEACHKIT_EXCHANGE, TEACHKIT_BUCKET and TEACHKIT_TERM.
        idle_minutes: after so many idle minutes an instance stops by itself.
    """

    course: str
    account: str = ""
    zone: str = names.ZONE
    gpu: str = "none"
    machine: str = ""
    exchange: str = ""
    data: str = ""
    term: str = ""
    idle_minutes: int = 60

    def __post_init__(self) -> None:
        for url in filter(None, (self.course, self.exchange, self.data)):
            parse_url(url)
        for what in ("course", "exchange", "data", "term"):
            if not VALUE.fullmatch(getattr(self, what)):
                raise SettingsError(
                    f"The {what} '{getattr(self, what)}' holds characters that do not belong there.",
                    "Use letters, digits and . _ - / : @ +",
                )
        if not 10 <= self.idle_minutes <= 1440:
            raise SettingsError(
                f"{self.idle_minutes} idle minutes are not possible.",
                "Take 10 to 1440.",
                value=self.idle_minutes,
            )

    @property
    def type(self) -> str:
        """The type of machine."""
        if self.machine:
            return self.machine
        chosen = names.accelerator(self.gpu)
        return chosen.machines[1] if chosen else names.WORKBENCH_CPU_MACHINE

    @property
    def price(self) -> prices.Price:
        """What an hour of one of them costs, without its disks."""
        return prices.hourly(self.type, self.gpu, 0 if self.gpu == "none" else 1)


def commands(action: str, roster: Roster, machine: Machine, students: Sequence[str] = ()) -> list[list[str]]:
    """The gcloud commands that do `action` for each student of `roster`, or for `students` only.

    They return at once, so a whole class starts side by side.

    Raises:
        UnknownNameError: no such action or student.
        SettingsError: no account is given for a student whose principal is a person.
    """
    if action not in ACTIONS:
        raise UnknownNameError(f"No action '{action}'.", nearest(action, ACTIONS, "actions"))
    known = {entry.student: entry for entry in roster.entries}
    for student in students:
        if student not in known:
            raise UnknownNameError(
                f"No student '{student}' is on the roster.", nearest(student, known, "students")
            )
    chosen = [known[student] for student in students] or list(roster.entries)
    called = instance_names(roster)
    made = []
    for entry in chosen:
        command = ["gcloud", "workbench", "instances", action, called[entry.student]]
        command += [f"--location={machine.zone}", "--async", "--quiet"]
        made.append(command + (_features(entry, machine) if action == "create" else []))
    return made


def instance_names(roster: Roster) -> dict[str, str]:
    """student → name of the instance: lower case, digits and dashes, at most 60 of them, no name twice."""
    found = {}
    for entry in roster.entries:
        slug = _slug(entry.student)
        # an id that had to be changed may look like another one now
        found[entry.student] = f"course-{slug}" + (
            "" if slug == entry.student else f"-{_digest(entry.student)}"
        )
    return found


def _slug(student: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", student.lower())[:44].strip("-") or "student"


def _digest(student: str) -> str:
    return hashlib.sha256(student.encode()).hexdigest()[:8]


def _features(entry: Entry, machine: Machine) -> list[str]:
    robot = entry.principal.endswith(SERVICE)
    account = entry.principal if robot else machine.account
    if not account:
        raise SettingsError(
            f"'{entry.principal}' is a person, so the instance of '{entry.student}' needs a service account.",
            "Name one with --account; it must read the course's bucket.",
            student=entry.student,
        )
    chosen = [
        f"--vm-image-project={names.WORKBENCH_IMAGE_PROJECT}",
        f"--vm-image-family={names.WORKBENCH_IMAGE_FAMILY}",
        f"--machine-type={machine.type}",
    ]
    if gpu := names.accelerator(machine.gpu):
        chosen += [f"--accelerator-type={gpu.api}", "--accelerator-core-count=1", "--install-gpu-driver"]
    if not robot:
        chosen.append(f"--instance-owners={entry.principal}")
    metadata = {
        names.IDLE_KEY: str(60 * machine.idle_minutes),
        names.IDLE_NEEDS: "TRUE",
        "post-startup-script": f"{machine.course.rstrip('/')}/{SCRIPT}",
        "post-startup-script-behavior": "download_and_run_every_start",
        "teachkit-course": machine.course.rstrip("/"),
        "teachkit-student": entry.student,
        "teachkit-exchange": machine.exchange.rstrip("/"),
        "teachkit-data": machine.data.rstrip("/"),
        "teachkit-term": machine.term,
    }
    given = ",".join(f"{key}={value}" for key, value in metadata.items() if value)
    return [*chosen, f"--service-account-email={account}", f"--metadata={given}", "--labels=teachkit=course"]


def quota(machine: Machine, count: int) -> str:
    """The sentence about what must be asked for days before; "" when no GPU is wanted."""
    gpu = names.accelerator(machine.gpu)
    if gpu is None:
        return ""
    region = machine.zone.rpartition("-")[0]
    return (
        f"Compute Engine must grant {gpu.quota.upper()}_GPUS >= {count} in {region}, "
        f"and GPUS_ALL_REGIONS >= {count}. "
        "Both often begin at 0; ask days ahead, on the console's page of quotas."
    )
