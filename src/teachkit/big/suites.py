"""A suite is data: which sets a benchmark has, what is asked of each, and how many test rows there are."""

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from teachkit.data import Split, registry
from teachkit.errors import FormatError, SettingsError, UnknownNameError, nearest
from teachkit.paths import atomic

TASKS = ("binary", "multi-class", "multi-label", "ordinal")
FOLDER = Path(__file__).with_name("suites")
ENDING = ".suite.json"


@dataclass(frozen=True)
class Member:
    """One set of a suite.

    Attributes:
        name: as in the column ``dataset`` of a prediction file; `title` is the one to print.
        task: one of `TASKS`.
        classes: class names; a prediction has one probability for each, in this order.
        rows: test rows; their ids are 0 to rows - 1.
    """

    name: str
    title: str
    task: str
    classes: tuple[str, ...]
    rows: int

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise SettingsError(
                f"'{self.name}' is a {self.task} set, which a suite cannot hold.",
                f"A suite holds sets whose task is {', '.join(TASKS)}.",
                name=self.name,
                task=self.task,
            )
        if self.rows < 1 or len(self.classes) < (1 if self.task == "multi-label" else 2):
            raise SettingsError(
                f"'{self.name}' has {self.rows} rows and {len(self.classes)} classes.",
                "A set needs at least one row, and two classes to tell apart.",
                name=self.name,
            )

    @property
    def single_label(self) -> bool:
        """Whether the probabilities of a row are those of classes that exclude each other, so sum to one."""
        return self.task != "multi-label"


@dataclass(frozen=True)
class Suite:
    """The sets that a prediction file answers for, and the mean is taken over.

    Attributes:
        version: of the sets, because row counts changed between versions of MedMNIST.
        sizes: picture sizes that are told apart on a leaderboard.
    """

    name: str
    version: str
    sets: tuple[Member, ...]
    sizes: tuple[int, ...] = (28,)

    def __post_init__(self) -> None:
        if not self.sets or len(set(self.names)) < len(self.sets):
            raise SettingsError(
                f"Suite '{self.name}' has the sets {', '.join(self.names) or 'none'}.",
                "Give it at least one set, and each one once.",
                name=self.name,
            )

    @classmethod
    def of(cls, name: str, splits: Iterable[Split]) -> "Suite":
        """The suite of these test splits, row for row as they are given."""
        held = list(splits)
        members = tuple(
            Member(s.info.name, s.info.title, s.info.task, tuple(s.info.classes), len(s)) for s in held
        )
        return cls(name, "1", members, tuple(sorted({split.size for split in held if split.size})) or (28,))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> "Suite":
        """The suite of a manifest written by `save`.

        Raises:
            FormatError: when the file is absent or is no such manifest.
        """
        try:
            told = json.loads(Path(path).read_text(encoding="utf-8"))
            sets = tuple(Member(**{**one, "classes": tuple(one["classes"])}) for one in told["sets"])
            suite = cls(told["name"], told["version"], sets, tuple(told["sizes"]))
            intact = told["digest"] == suite.digest
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise FormatError(
                f"'{path}' is no manifest of a suite ({type(error).__name__}: {error}).",
                "big.write_predictions writes one when it is given splits.",
                path=str(path),
            ) from error
        if not intact:
            raise FormatError(
                f"'{path}' was changed after it was written: its digest is {told['digest']}, its sets give "
                f"{suite.digest}.",
                "Write it anew with big.write_predictions.",
                path=str(path),
            )
        return suite

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the manifest, whole or not at all."""
        with atomic(Path(path)) as temporary:
            temporary.write_text(json.dumps({**asdict(self), "digest": self.digest}, indent=1) + "\n")
        return Path(path)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(member.name for member in self.sets)

    @property
    def rows(self) -> int:
        """Test rows of all sets."""
        return sum(member.rows for member in self.sets)

    @property
    def columns(self) -> int:
        """Probabilities of the set with most classes: a prediction file has columns p0 to p(columns - 1)."""
        return max(len(member.classes) for member in self.sets)

    @property
    def digest(self) -> str:
        """Twelve letters that change with names, tasks, number of classes and row counts."""
        facts = [[m.name, m.task, len(m.classes), m.rows] for m in self.sets]
        return hashlib.sha256(json.dumps([self.name, self.version, facts]).encode()).hexdigest()[:12]

    def __getitem__(self, name: str) -> Member:
        for member in self.sets:
            if member.name == name:
                return member
        raise UnknownNameError(
            f"Suite '{self.name}' has no set '{name}'.", nearest(name, self.names, "sets"), name=name
        )

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[Member]:
        return iter(self.sets)

    def __len__(self) -> int:
        return len(self.sets)

    def picture_size(self, size: int | None) -> int:
        """The size that is meant, in pixels: by default the smallest one of the suite.

        Raises:
            SettingsError: for a size that the suite does not know.
        """
        if size is None:
            return min(self.sizes)
        if size not in self.sizes:
            raise SettingsError(
                f"Suite '{self.name}' has no size {size}.",
                f"Known sizes: {', '.join(map(str, self.sizes))}.",
                size=size,
            )
        return size


def find_suite(suite: "str | os.PathLike[str] | Suite", beside: Path | None = None) -> Suite:
    """A suite by its name, its manifest, or itself.

    "big" ships with the package. Any other name is that of a manifest ``NAME.suite.json`` in the folder of
    `beside`, the prediction file. A path to a manifest works everywhere.

    Raises:
        UnknownNameError: when there is none.
        FormatError: when the manifest cannot be read.
    """
    if isinstance(suite, Suite):
        return suite
    if Path(suite).suffix == ".json":
        return Suite.read(suite)
    name = str(suite)
    if (FOLDER / f"{name}.toml").is_file():
        return _shipped(name)
    manifest = (beside or Path()).parent / f"{name}{ENDING}"
    if manifest.is_file():
        return Suite.read(manifest)
    shipped = [path.stem for path in FOLDER.glob("*.toml")]
    raise UnknownNameError(
        f"No suite is called '{name}': there is no manifest '{manifest}' either.",
        f"Shipped: {', '.join(shipped)}. big.write_predictions(..., suite='{name}', splits=...) writes the "
        "manifest beside the predictions.",
        name=name,
    )


def _shipped(name: str) -> Suite:
    told = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    members = []
    for set_name in told["sets"]:
        entry = registry.entry(set_name)
        members.append(Member(set_name, entry.title, entry.task, entry.classes, entry.counts["test"]))
    return Suite(name, told["version"], tuple(members), tuple(told["sizes"]))
