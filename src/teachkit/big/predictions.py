"""Prediction files: the only reader and writer of them.

A file is a CSV with the columns ``dataset,id,p0,p1,…``: one line for each test picture, its row in the
official test split, and one probability for each class of its set; columns beyond stay empty. Truth has no
place in it. The same text packed by gzip is read as well, and a zip of MedMNIST's own files, one a set.
"""

import gzip
import io
import os
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from teachkit.big.careful import CarefulReader, Tables
from teachkit.big.faults import Faults, TooManyFaults
from teachkit.big.layouts import BYTE_ORDER_MARK, layout_of
from teachkit.big.quick import read_quickly
from teachkit.big.suites import ENDING, Suite, find_suite
from teachkit.big.unpacking import Text, unpack
from teachkit.data import Split
from teachkit.errors import FormatError, SettingsError, UnknownNameError, nearest
from teachkit.paths import atomic

WRITTEN = (".csv", ".csv.gz", ".zip")


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a prediction file says, known to be without fault.

    Attributes:
        file: its name.
        suite: the suite it answers for.
        sets: name to probabilities float64 [rows, classes], rows by id; sets in the suite's order.
    """

    file: str
    suite: Suite
    sets: Mapping[str, NDArray[np.float64]]

    @property
    def missing(self) -> tuple[str, ...]:
        """Sets of the suite that the file does not answer for."""
        return tuple(name for name in self.suite.names if name not in self.sets)

    def __repr__(self) -> str:
        return (
            f"<Predictions '{self.file}': {len(self.sets)} of {len(self.suite)} sets of '{self.suite.name}'>"
        )


def read_predictions(
    path: str | os.PathLike[str], *, suite: str | os.PathLike[str] | Suite = "big", size: int | None = None
) -> Predictions:
    """Read and check a prediction file. Sets may be missing; within a set, nothing may.

    Args:
        path: .csv, .csv.gz, or a .zip of one or more CSV.
        suite: "big", a manifest, or the name of one beside the file (see `suites.find_suite`).
        size: picture size, which names of MedMNIST's own files state; the smallest of the suite by default.

    Raises:
        PredictionFileError: with all `faults`, not only the first.
        DataError: when there is no such file.
    """
    source = Path(path)
    wanted = find_suite(suite, source)
    size = wanted.picture_size(size)
    faults = Faults()
    tables: Tables = {}
    try:
        for text in unpack(source, faults):
            for name, table in _read(text, wanted, size, faults).items():
                if name in tables:
                    faults.add(
                        text.label, 0, "dataset", name, "another file of this archive has this set too"
                    )
                tables[name] = table
    except TooManyFaults:
        faults.stopped = True
    if faults:
        raise faults.error(source.name)
    return Predictions(source.name, wanted, {name: tables[name] for name in wanted.names if name in tables})


def _read(text: Text, suite: Suite, size: int, faults: Faults) -> Tables:
    """One text: quickly when it is plainly right, else line by line."""
    text = text._replace(data=text.data.removeprefix(BYTE_ORDER_MARK))
    layout = layout_of(text, suite, size, faults)
    if layout is None:
        return {}
    quick = read_quickly(text, layout, suite)
    return CarefulReader(text, layout, suite, faults).read() if quick is None else quick


def write_predictions(
    path: str | os.PathLike[str],
    predictions: Mapping[str, ArrayLike],
    *,
    suite: str | os.PathLike[str] | Suite = "big",
    splits: Iterable[Split] = (),
    size: int | None = None,
) -> Path:
    """Write a prediction file and read it back, so that what is written can be scored.

    Numbers are written with as many digits as they have: rounding makes ties, and ties change the AUC.

    Args:
        path: ends in .csv, .csv.gz, or .zip for one file a set as MedMNIST writes them.
        predictions: name of a set to probabilities ``[rows, classes]``, row i for test picture i. A binary
            set may have ``[rows]`` or ``[rows, 1]``, the probability of class 1.
        suite: "big", a manifest, or the name of a suite of your own.
        splits: the test splits of a suite of your own; its manifest ``SUITE.suite.json`` is written beside
            the file. A suite that exists already needs none.
        size: picture size, for the names inside a zip; the smallest of the suite by default.

    Returns:
        The path.

    Raises:
        SettingsError: for another ending, or a set that the suite does not have.
        PredictionFileError: naming every number that is no probability; nothing is left behind then.
    """
    target = Path(path)
    ending = next((known for known in WRITTEN[::-1] if target.name.endswith(known)), None)
    if ending is None:
        raise SettingsError(
            f"'{target.name}' does not end in {', '.join(WRITTEN)}.", "Choose one of these.", path=str(target)
        )
    held = list(splits)
    wanted = Suite.of(str(suite), held) if held else find_suite(suite, target)
    size = wanted.picture_size(size)
    for name in predictions:
        if name not in wanted:
            raise UnknownNameError(
                f"Suite '{wanted.name}' has no set '{name}'.", nearest(name, wanted.names, "sets"), name=name
            )
    frames = {name: _frame(predictions[name]) for name in wanted.names if name in predictions}
    with atomic(target) as temporary:
        if ending == ".zip":
            _write_zip(temporary, frames, size)
        else:
            content = _text(frames, wanted.columns)
            temporary.write_bytes(gzip.compress(content, 6, mtime=0) if ending == ".csv.gz" else content)
        read_predictions(temporary, suite=wanted, size=size)
    if held:
        wanted.save(target.with_name(f"{wanted.name}{ENDING}"))
    return target


def _frame(probabilities: ArrayLike) -> pd.DataFrame:
    """One column a class, float32 as it is and everything else as float64."""
    array = np.asarray(probabilities)
    if array.dtype != np.float32:
        array = array.astype(np.float64)
    if array.ndim > 2:
        raise FormatError(
            f"Predictions have shape {list(array.shape)}.", "Give one row a picture: [rows, classes]."
        )
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
        positive = array.reshape(-1)
        array = np.stack([1 - positive, positive], axis=1)
    return pd.DataFrame(array)


def _text(frames: Mapping[str, pd.DataFrame], columns: int) -> bytes:
    """The CSV of all sets, ``\\n`` at every line end."""
    stream = io.StringIO()
    stream.write(",".join(["dataset", "id", *(f"p{index}" for index in range(columns))]) + "\n")
    for name, frame in frames.items():
        wide = frame.reindex(columns=range(max(columns, frame.shape[1])))
        wide.insert(0, "id", np.arange(len(frame)))
        wide.insert(0, "dataset", name)
        wide.to_csv(stream, header=False, index=False, lineterminator="\n")
    return stream.getvalue().encode()


def _write_zip(path: Path, frames: Mapping[str, pd.DataFrame], size: int) -> None:
    """One member a set, named and laid out as MedMNIST's evaluator does."""
    suffix = "" if size == 28 else f"_{size}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, frame in frames.items():
            archive.writestr(f"{name}{suffix}_test.csv", frame.to_csv(header=False, lineterminator="\n"))
