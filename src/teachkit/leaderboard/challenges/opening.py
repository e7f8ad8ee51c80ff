"""From ``challenge.toml`` to an open challenge: its suite, its labels, its dates."""

import hashlib
import io
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import ArrayLike, NDArray

from teachkit import data
from teachkit.big import Suite, find_suite
from teachkit.big.truth import truth_of
from teachkit.errors import DataError, FormatError, SettingsError, UnknownNameError, nearest
from teachkit.leaderboard.challenges import published
from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.challenges.parts import PUBLIC, public_rows, read_key
from teachkit.leaderboard.challenges.vault import vault

SHIPPED = Path(__file__).with_name("shipped")


@dataclass(frozen=True)
class Plan:
    """What ``challenge.toml`` says.

    Attributes:
        suite: "big", or a name for the suite that `sets` make.
        sets: names that `data.load` knows; empty for "big".
        first: take only so many, the first that the data source in force has; 0 for all.
        folders: folders of MedMNIST-style files to be known by name, relative to the file.
        labels: an npz file with one array of test labels a set, instead of the data source.
        truth: set to the file that `teachkit course make-hidden` wrote for the instructor; nobody else has
            these labels, so the challenge is one with a withheld test.
        public_share: of the test, shown while the challenge is open; the rest decides. 0 for no such parts.
        key: file with the secret that chooses which rows are public.
    """

    slug: str
    title: str
    suite: str
    summary: str = ""
    rules: str = ""
    sets: tuple[str, ...] = ()
    first: int = 0
    size: int = 28
    folders: tuple[str, ...] = ()
    labels: str = ""
    truth: Mapping[str, str] = field(default_factory=dict)
    public_share: float = 0.0
    key: str = ""
    draws: int = 200
    per_day: int = 10
    in_all: int = 100
    opens: datetime | None = None
    closes: datetime | None = None
    place: int = 100

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> "Plan":
        """From the file; every unknown word is refused with the nearest known one.

        Raises:
            FormatError: when the file is absent or no TOML.
            SettingsError: for what makes no sense.
        """
        try:
            told = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FormatError(f"'{path}' cannot be read ({error}).", "Give a challenge.toml.") from error
        known = {one.name for one in fields(cls)}
        for name in told:
            if name not in known:
                raise UnknownNameError(
                    f"'{path}' has the word '{name}'.", nearest(name, known, "words"), name=name
                )
        for name in ("slug", "title", "suite"):
            if not told.get(name):
                raise SettingsError(f"'{path}' has no {name}.", f'Add a line such as {name} = "..."')
        for name in ("opens", "closes"):
            if name in told:
                told[name] = _moment(name, told[name])
        for name in ("sets", "folders"):
            told[name] = tuple(told.get(name, ()))
        return cls(**told)


def create(plan: Plan, beside: Path, *, labels_needed: bool = True) -> Challenge:
    """Open the challenge of a plan, or bring an open one up to date; its suite must stay.

    Args:
        beside: folder that paths in the plan are relative to.
        labels_needed: False makes a challenge without labels; it takes no submissions until they are there.

    Raises:
        DataError: labels are needed and not at hand.
        SettingsError: the challenge is there already with another suite.
    """
    for folder in plan.folders:
        data.register_folder(beside / folder)
    suite = _suite_of(plan)
    there = Challenge.objects.filter(slug=plan.slug).first()
    if there is not None and there.suite.digest != suite.digest:
        raise SettingsError(
            f"'{plan.slug}' is there with suite {there.suite.digest}; this one is {suite.digest}.",
            "Scores under two suites cannot stand on one board. Choose another slug.",
            slug=plan.slug,
        )
    labels = _labels_of(plan, suite, beside, needed=labels_needed and there is None)
    told = {
        name: getattr(plan, name)
        for name in ("title", "summary", "rules", "draws", "per_day", "in_all", "opens", "closes", "place")
    }
    told |= {"withheld": bool(plan.truth), "split": plan.public_share > 0}
    public = None
    if labels is not None and plan.public_share:
        public = public_rows(labels, plan.public_share, read_key(beside / plan.key))
    with transaction.atomic():
        challenge, _ = Challenge.objects.update_or_create(
            slug=plan.slug, defaults={**told, "suite_text": Challenge.text_of(suite)}
        )
        if labels is not None:
            keep_labels(challenge, labels, public)
    return challenge


def keep_labels(
    challenge: Challenge,
    labels: Mapping[str, ArrayLike],
    public: Mapping[str, NDArray[np.bool_]] | None = None,
) -> None:
    """Write the true labels where only the worker reads them, and note their digest.

    Args:
        public: for a test of two parts, which rows of each set are public.

    Raises:
        FormatError: labels that do not fit the suite.
        DataError: when a set has none.
    """
    suite = challenge.suite
    checked: dict[str, Any] = dict(truth_of(suite, suite.names, min(suite.sizes), labels))
    checked |= {f"{PUBLIC}{name}": rows for name, rows in (public or {}).items()}
    content = hashlib.sha256()
    for name in sorted(checked):
        content.update(name.encode() + np.asarray(checked[name]).astype("<i8").tobytes())
    digest = content.hexdigest()[:12]
    folder = vault()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{challenge.slug}-{digest}.npz"
    if not path.exists():
        stream = io.BytesIO()
        np.savez_compressed(stream, **checked)
        partial = path.with_suffix(".part")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as target:
            target.write(stream.getvalue())
        partial.replace(path)
    challenge.labels, challenge.labels_digest = path.name, digest
    challenge.save(update_fields=["labels", "labels_digest"])


def read_labels(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an npz file.

    Raises:
        FormatError: when it is none.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, AttributeError) as error:
        raise FormatError(
            f"'{path}' cannot be read ({type(error).__name__}).",
            "Write it with numpy.savez: one array of labels for each set, by its name.",
            path=str(path),
        ) from error


def find(slug: str) -> Challenge:
    """The challenge of that name.

    Raises:
        UnknownNameError: when there is none.
    """
    found = Challenge.objects.filter(slug=slug).first()
    if found is None:
        known = list(Challenge.objects.values_list("slug", flat=True))
        raise UnknownNameError(
            f"There is no challenge '{slug}'.", nearest(slug, known, "challenges"), name=slug
        )
    return found


def ship(names: tuple[str, ...] = ("big", "course")) -> list[Challenge]:
    """Open the challenges that come with the package; BIG waits for its labels when they are not at hand."""
    made = [create(Plan.read(SHIPPED / f"{name}.toml"), SHIPPED, labels_needed=False) for name in names]
    for challenge in made:
        if challenge.suite.name == "big":
            published.load_into(challenge)
    return made


def _suite_of(plan: Plan) -> Suite:
    if not plan.sets:
        return find_suite(plan.suite)
    names: list[str] = []
    for name in plan.sets:
        if plan.first and len(names) == plan.first:
            break
        try:
            data.load(name, "test", plan.size)
        except DataError:
            if not plan.first:
                raise
        else:
            names.append(name)
    return Suite.of(plan.suite, [data.load(name, "test", plan.size) for name in names])


def _labels_of(plan: Plan, suite: Suite, beside: Path, *, needed: bool) -> dict[str, NDArray[Any]] | None:
    if plan.truth:
        return {name: read_labels(beside / path)["labels"] for name, path in plan.truth.items()}
    if plan.labels:
        return read_labels(beside / plan.labels)
    try:
        return {name: data.load(name, "test", plan.size).labels for name in suite.names}
    except DataError:
        if needed:
            raise
        return None


def _moment(name: str, value: object) -> datetime:
    """A date and time; without a zone it is UTC."""
    if not isinstance(value, datetime):
        raise SettingsError(f"{name} is {value!r}.", f"Write {name} = 2026-11-30T18:00:00Z")
    return value if value.tzinfo else value.replace(tzinfo=UTC)
