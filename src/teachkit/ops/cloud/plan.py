"""Which lessons run where, how long and for how much: decided and said before anything is started."""

import hashlib
import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from teachkit.cloud import names
from teachkit.cloud.bucket import parse_url
from teachkit.cloud.jobs import JobConfig
from teachkit.cloud.prices import Price, cost, dollars, hourly
from teachkit.course.declaration import SIZES, Course, Lesson
from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.ops.cloud.words import command, for_lessons, for_program

STARTING_S = 600.0  # a machine and a large image take about ten minutes before anything runs
LEAST_S = 3600
PROGRAM_S = 4 * 3600  # nobody has declared how long a program takes
FOR_MISSING = {
    "project": "--project",
    "bucket": "--bucket",
    "image": "--image",
    "service_account": "--service-account",
}


@dataclass(frozen=True)
class Wishes:
    """What the user asks for; empty text means that nothing was said."""

    lessons: tuple[str, ...]
    size: str = "full"
    seed: int = 0
    project: str = ""
    region: str = names.REGION
    bucket: str = ""
    image: str = ""
    service_account: str = ""
    data: str = ""
    accelerator: str = "l4"
    count: int = 1
    machine: str = ""
    machines: int = 1
    provisioning: str = names.ON_DEMAND
    timeout_s: int = 0
    program: tuple[str, ...] = ()  # a module and its arguments, instead of lessons

    def missing(self) -> list[str]:
        """The options that must be said and were not."""
        return [option for name, option in FOR_MISSING.items() if not getattr(self, name)]

    def filled(self) -> "Wishes":
        """The same with words in capitals for what is missing, to show a request that nobody will send."""
        return replace(
            self,
            project=self.project or "PROJECT",
            bucket=self.bucket or "gs://BUCKET/runs",
            image=self.image or "IMAGE",
            service_account=self.service_account or "ACCOUNT",
        )


@dataclass(frozen=True)
class Plan:
    """One run: lessons in course order, the job, its expected time and its price.

    A program has no lessons and an expected time of 0; a machine that is not in the table has no price.
    """

    wishes: Wishes
    lessons: tuple[Lesson, ...]
    config: JobConfig
    expected_s: float
    price: Price | None

    def sentences(self) -> list[str]:
        """What will happen and what it may cost."""
        config = self.config
        place = f"{config.machines} x " if config.machines > 1 else ""
        gpu = names.accelerator(config.accelerator)
        holds = f"{config.count} {gpu.title}" if gpu else "no GPU"
        way = WAYS[config.provisioning]
        told = [
            self._what(),
            f"Machine: {place}{config.machine_type} with {holds}, {way}, in {self.wishes.region}.",
        ]
        if self.lessons:
            told.append(
                f"Expected: about {self.expected_s / 60:.0f} minutes with the start, by notebooks/course.toml"
                + ("." if gpu else ", which is for a GPU; without one it takes longer.")
            )
        if self.price is None:
            return [*told, f"Cost: the price table does not know {config.machine_type}."]
        likely, most = (
            cost(self.price, seconds, config.machines) for seconds in (self.expected_s, config.timeout_s)
        )
        return [
            *told,
            f"Price: {self.price}{' each' if config.machines > 1 else ''}.",
            f"Cost: {f'about {dollars(likely)}; ' if self.lessons else ''}at most {dollars(most)}, "
            f"when it is stopped after {config.timeout_s / 60:.0f} minutes (--timeout).",
        ]

    def _what(self) -> str:
        if self.lessons:
            which = ", ".join(lesson.id for lesson in self.lessons)
            return f"Lessons {which} at size {self.wishes.size}, seed {self.wishes.seed}."
        return f"Program: {' '.join(self.wishes.program)}."


WAYS = {
    names.ON_DEMAND: "on demand",
    names.SPOT: "as Spot, which can be taken away",
    names.FLEX_START: "as soon as there is one (Flex-start)",
}


def make_plan(course: Course, wishes: Wishes, now: datetime | None = None) -> Plan:
    """The plan for `wishes`; nothing is contacted.

    Raises:
        SettingsError: options that do not fit together, or that are missing.
        UnknownNameError: no such lesson, size or accelerator.
    """
    if wishes.size not in SIZES:
        raise UnknownNameError(
            f"No size '{wishes.size}'.", nearest(wishes.size, SIZES, "sizes"), size=wishes.size
        )
    if missing := wishes.missing():
        raise SettingsError(
            f"A run in the cloud needs {', '.join(missing)}.",
            "Your instructor knows them; each can be set once as an environment variable (see --help).",
            missing=missing,
        )
    parse_url(wishes.bucket)
    lessons = () if wishes.program else course.select(wishes.lessons)
    expected_s = 0.0 if wishes.program else _expected_s(lessons, wishes)
    timeout_s = wishes.timeout_s or (
        PROGRAM_S if wishes.program else max(LEAST_S, math.ceil(expected_s / 900) * 1800)
    )
    environment = data_source(wishes.data)
    key = _key(wishes, lessons, environment)
    run = _name(lessons, wishes, key, now or datetime.now(UTC))
    output = f"{wishes.bucket.rstrip('/')}/{run}"
    config = JobConfig(
        run=run,
        key=key,
        image=wishes.image,
        command=command(output, wishes.accelerator, _work(lessons, wishes)),
        output=output,
        service_account=wishes.service_account,
        accelerator=wishes.accelerator,
        count=wishes.count,
        machine=wishes.machine,
        machines=wishes.machines,
        provisioning=wishes.provisioning,
        timeout_s=timeout_s,
        environment=environment,
    )
    return Plan(wishes, lessons, config, expected_s, _price(config))


def going_on(plan: Plan, earlier: str) -> Plan:
    """The same plan, told to begin with what the run that wrote to `earlier` has finished."""
    words = command(plan.config.output, plan.config.accelerator, _work(plan.lessons, plan.wishes), earlier)
    return replace(plan, config=replace(plan.config, command=words))


def shares(lessons: Iterable[Lesson], machines: int, size: str) -> list[tuple[Lesson, ...]]:
    """Who runs what: lessons that read each other's results stay together, long ones are dealt out first.

    There are at most as many shares as machines, and none is empty.
    """
    groups: list[list[Lesson]] = []
    for lesson in lessons:
        joined = [group for group in groups if any(other.id in lesson.results_from for other in group)]
        groups = [group for group in groups if group not in joined]
        groups.append([*(other for group in joined for other in group), lesson])
    piles: list[list[Lesson]] = [[] for _ in range(min(machines, len(groups)))]
    for group in sorted(groups, key=lambda group: -minutes(group, size)):
        min(piles, key=lambda pile: minutes(pile, size)).extend(group)
    return [tuple(sorted(pile, key=lambda lesson: lesson.id)) for pile in piles]


def minutes(lessons: Iterable[Lesson], size: str) -> float:
    """Computing minutes of `lessons` together, as declared."""
    return sum(lesson.minutes.at(size) for lesson in lessons)


def data_source(chosen: str, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variable that tells the machine where its data come from.

    `chosen` is a bucket, "offline" or "public"; when it is empty, this machine's own setting counts.

    Raises:
        SettingsError: for a folder of this machine, which the other one does not see.
    """
    here = os.environ if environment is None else environment
    if not chosen and here.get("TEACHKIT_DATA"):
        raise SettingsError(
            f"TEACHKIT_DATA={here['TEACHKIT_DATA']} is a folder of this machine; the job cannot see it.",
            "Say where it finds data: --data gs://BUCKET/FOLDER, --data public or --data offline.",
        )
    chosen = (
        chosen or here.get("TEACHKIT_BUCKET", "") or ("offline" if here.get("TEACHKIT_OFFLINE") else "public")
    )
    if chosen == "public":
        return {}
    if chosen == "offline":
        return {"TEACHKIT_OFFLINE": "1"}
    parse_url(chosen)
    return {"TEACHKIT_BUCKET": chosen}


def _expected_s(lessons: Iterable[Lesson], wishes: Wishes) -> float:
    parts = shares(lessons, wishes.machines, wishes.size)
    if wishes.machines > len(parts):
        raise SettingsError(
            f"{wishes.machines} machines are too many: lessons that read each other's results stay together.",
            f"Give --machines {len(parts)} at most.",
            machines=wishes.machines,
        )
    return STARTING_S + 60 * max(minutes(part, wishes.size) for part in parts)


def _work(lessons: Iterable[Lesson], wishes: Wishes) -> tuple[str, ...]:
    if wishes.program:
        return for_program(wishes.program)
    return for_lessons((lesson.id for lesson in lessons), wishes.size, wishes.seed)


def _price(config: JobConfig) -> Price | None:
    try:
        return hourly(
            config.machine_type,
            config.accelerator,
            config.count,
            spot=config.provisioning == names.SPOT,
            training=True,
        )
    except UnknownNameError:
        return None


def _key(wishes: Wishes, lessons: Iterable[Lesson], environment: Mapping[str, str]) -> str:
    """The same for the same words: everything that decides what comes out, and on what machine."""
    told = [
        [lesson.id for lesson in lessons], wishes.size, wishes.seed, wishes.bucket, wishes.image,
        wishes.accelerator, wishes.count, wishes.machine, wishes.machines, sorted(environment.items()),
        wishes.program,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def _name(lessons: tuple[Lesson, ...], wishes: Wishes, key: str, now: datetime) -> str:
    """Such as ``teachkit-01-full-3f9c-20261121-224500``: legal as a label, unique by its second."""
    which = "-".join(lesson.id for lesson in lessons) if len(lessons) < 4 else f"{len(lessons)}-lessons"
    if wishes.program:
        module = re.sub(r"[^a-z0-9]+", "-", wishes.program[0].lower().removeprefix("teachkit."))
        what = module.strip("-")[:24]
    else:
        what = f"{which}-{wishes.size}"
    return f"teachkit-{what}-{key[:4]}-{now:%Y%m%d-%H%M%S}"
