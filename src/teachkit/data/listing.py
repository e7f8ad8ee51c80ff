"""Which pictures belong to a set of one's own, their labels, and who goes to which split."""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from teachkit.data.picture_files import SUFFIXES, listed
from teachkit.data.splits import SPLITS, TASKS
from teachkit.errors import FormatError, SettingsError, TeachkitWarning, nearest


@dataclass(frozen=True, eq=False)
class Listing:
    """The pictures of a set, row by row.

    Attributes:
        labels: int64 [N, L]; float32 [N, 1] for regression.
        patients: [N] text, or None when they are not known.
    """

    files: list[Path]
    labels: np.ndarray
    classes: tuple[str, ...]
    task: str
    patients: np.ndarray | None = None

    @cached_property
    def _contents(self) -> np.ndarray:
        """[N] digest of each file."""
        return np.array([hashlib.sha256(file.read_bytes()).hexdigest() for file in self.files])

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know: the unit of the split, and duplicates."""
        said = ["Split by patient: no patient is in two splits."]
        if self.patients is None:
            said = ["Split by image: patients are not known, so scores say nothing about new patients."]
        _, first, inverse = np.unique(self._contents, return_index=True, return_inverse=True)
        copies = np.flatnonzero(first[inverse] != np.arange(len(self.files)))
        if len(copies):
            pairs = [f"{self.files[i].name} = {self.files[first[inverse[i]]].name}" for i in copies]
            said.append(f"{len(copies)} files are copies of others: {listed(pairs)}.")
            differing = [i for i in copies if (self.labels[i] != self.labels[first[inverse[i]]]).any()]
            if differing:
                names = listed([self.files[i] for i in differing])
                warnings.warn(f"The same picture has two labels: {names}.", TeachkitWarning, stacklevel=2)
        return tuple(said)

    def assign(self, shares: Sequence[float], seed: int) -> np.ndarray:
        """[N] split of each row; whole patients (or identical files), and every class in every split.

        Raises:
            SettingsError: three positive shares are needed.
            FormatError: a class has fewer than three patients (or different pictures).
        """
        if len(shares) != len(SPLITS) or min(shares) <= 0:
            raise SettingsError(
                f"The shares {tuple(shares)} make no split.", "Give three above 0.", shares=shares
            )
        units, first, member = np.unique(
            self._contents if self.patients is None else self.patients, return_index=True, return_inverse=True
        )
        stratified = bool(self.classes) and self.task not in ("multi-label", "segmentation")
        kind = self.labels[first, 0] if stratified else np.zeros(len(units), int)
        unit = "different pictures" if self.patients is None else "patients"
        split = np.empty(len(units), dtype="<U5")
        rng = np.random.default_rng(seed)
        for value in np.unique(kind):
            order = rng.permutation(np.flatnonzero(kind == value))
            if len(order) < len(SPLITS):
                what = f"Class '{self.classes[int(value)]}'" if stratified else "The set"
                raise FormatError(
                    f"{what} has {len(order)} {unit}.",
                    "At least three are needed, one for each split: add some, or leave the class out.",
                    count=len(order),
                )
            for name, part in zip(SPLITS, np.split(order, _cuts(len(order), shares)), strict=True):
                split[part] = name
        if stratified:
            self._check_classes(split[member])
        return split[member]

    def _check_classes(self, split: np.ndarray) -> None:
        """Refuse a split without some class, which happens when patients have pictures of several classes."""
        for index, name in enumerate(self.classes):
            for part in SPLITS:
                if not (self.labels[split == part, 0] == index).any():
                    raise FormatError(
                        f"No picture of class '{name}' fell into {part}.",
                        "Give another seed or larger shares, or add patients with that class.",
                        label=name,
                        split=part,
                    )


def listing_from_subfolders(folder: Path) -> Listing:
    """Every direct subfolder is a class; pictures may lie at any depth below it.

    Raises:
        FormatError: fewer than two subfolders hold pictures.
    """
    below = {sub.name: _pictures(sub) for sub in sorted(folder.iterdir()) if sub.is_dir()}
    below = {name: files for name, files in below.items() if files}
    if len(below) < 2:
        raise FormatError(
            f"{folder} has {len(below)} subfolders with pictures ({', '.join(SUFFIXES)}).",
            "Make one subfolder per class, or give a table with the columns file and label.",
            path=str(folder),
        )
    files = [file for found in below.values() for file in found]
    labels = np.repeat(np.arange(len(below)), [len(found) for found in below.values()])
    return Listing(files, labels[:, None], tuple(below), _class_task(len(below)))


def listing_from_table(
    folder: Path,
    table: str | Path | pd.DataFrame,
    file: str = "file",
    label: str | Sequence[str] = "label",
    patient: str = "patient",
    task: str | None = None,
) -> Listing:
    """One picture per row of a csv file or DataFrame; the patient column may be absent.

    Raises:
        SettingsError: a missing column or a task that does not fit the labels.
        FormatError: an unreadable or empty table, an empty cell, a file that is absent or listed twice.
    """
    rows = read_table(table)
    columns = [label] if isinstance(label, str) else list(label)
    for column in (file, *columns):
        if column not in rows.columns:
            raise SettingsError(
                f"The table has no column '{column}'.",
                f"{nearest(column, map(str, rows.columns), 'columns')} Name it with file=... or label=...",
                column=column,
            )
    used = [file, *columns, *([patient] if patient in rows.columns else [])]
    empty = rows[used].isna()
    if len(rows) == 0 or empty.to_numpy().any():
        cells = np.argwhere(empty.to_numpy())
        where = f"has an empty '{used[cells[0][1]]}' in row {cells[0][0]}" if len(rows) else "has no rows"
        raise FormatError(f"The table {where}.", "Fill the cell or take the row out.")
    files = [folder / str(name) for name in rows[file]]
    if absent := [path for path in files if not path.is_file()]:
        raise FormatError(
            f"{len(absent)} files of the table are not in {folder}: {listed([p.name for p in absent])}.",
            "Correct the column of file names; they are relative to the folder.",
            files=absent,
        )
    if twice := rows[file][rows[file].duplicated()].tolist():
        raise FormatError(f"The table lists files twice: {listed(twice)}.", "Keep one row each.", files=twice)
    labels, classes, task = _labels(rows[columns], task)
    patients = rows[patient].astype(str).to_numpy(dtype=np.str_) if patient in rows.columns else None
    return Listing(files, labels, classes, task, patients)


def _labels(values: pd.DataFrame, task: str | None) -> tuple[np.ndarray, tuple[str, ...], str]:
    """Labels, class names and task, from one label column or several of 0 and 1."""
    if task is not None and task not in TASKS:
        raise SettingsError(f"No task is called '{task}'.", nearest(task, TASKS, "tasks"), task=task)
    if len(values.columns) > 1:
        if not values.isin([0, 1]).to_numpy().all():
            what = "Several label columns must hold 0 and 1 only."
            raise SettingsError(what, "Correct them, or name one column.")
        return values.to_numpy(np.int64), tuple(map(str, values.columns)), "multi-label"
    column = values.iloc[:, 0]
    numeric = pd.api.types.is_numeric_dtype(column)
    if task == "regression" or (task is None and numeric and (column % 1 != 0).any()):
        if not numeric:
            raise SettingsError(f"'{column.name}' holds text, not numbers.", "Regression needs numbers.")
        return column.to_numpy(np.float32)[:, None], (), "regression"
    names = sorted(column.unique())
    if len(names) < 2:
        raise FormatError(f"'{column.name}' holds one class only: '{names[0]}'.", "Two are needed at least.")
    labels = column.map({name: index for index, name in enumerate(names)}).to_numpy(np.int64)[:, None]
    chosen = task if task in ("ordinal", "multi-class") else _class_task(len(names))
    return labels, tuple(str(name) for name in names), chosen


def _class_task(classes: int) -> str:
    return "binary" if classes == 2 else "multi-class"


def _cuts(count: int, shares: Sequence[float]) -> list[int]:
    """Where train and val end among `count` units: near the shares, but one unit for each split at least."""
    ends = np.cumsum(np.array(shares) / sum(shares))
    first = min(max(1, round(ends[0] * count)), count - 2)
    return [first, min(max(first + 1, round(ends[1] * count)), count - 1)]


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def read_table(table: str | Path | pd.DataFrame) -> pd.DataFrame:
    """The table itself, or what a csv file holds.

    Raises:
        FormatError: a file that is no table.
    """
    if isinstance(table, pd.DataFrame):
        return table
    path = Path(table).expanduser()
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise FormatError(
            f"{path} cannot be read as a table ({error}).", "Give a csv file with a header.", path=str(path)
        ) from error
