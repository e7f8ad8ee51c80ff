"""The child process that scores one file: no database, no secret, bounded memory and time.

It is given one JSON file that names what to read and where to write, and writes ``result.json`` and
``predictions.parquet`` there.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachkit.big import BigScore, Member, Predictions, Suite, read_predictions, score
from teachkit.errors import PredictionFileError
from teachkit.leaderboard.challenges.parts import PUBLIC
from teachkit.leaderboard.submissions.likeness import sketch
from teachkit.metrics import confusion_matrix
from teachkit.paths import atomic


@dataclass(frozen=True)
class Order:
    """What to score.

    Attributes:
        upload: the file.
        suite: manifest of the suite.
        labels: npz file, one array a set.
        draws: of the bootstrap.
        out: folder for what is found.
    """

    upload: str
    suite: str
    labels: str
    size: int
    draws: int
    out: str

    @classmethod
    def read(cls, path: str) -> "Order":
        """From its JSON file."""
        return cls(**json.loads(Path(path).read_text(encoding="utf-8")))


def carry_out(order: Order) -> dict[str, Any]:
    """Score, or say every fault. Writes the predictions when there are any."""
    try:
        held = read_predictions(order.upload, suite=order.suite, size=order.size)
    except PredictionFileError as error:
        return {"faults": [list(fault) for fault in error.faults]}
    with np.load(order.labels, allow_pickle=False) as archive:
        kept = {name: archive[name] for name in archive.files}
    labels = {name: rows for name, rows in kept.items() if not name.startswith(PUBLIC)}
    public = {name.removeprefix(PUBLIC): rows for name, rows in kept.items() if name.startswith(PUBLIC)}
    _write_table(held, Path(order.out) / "predictions.parquet")
    if not public:
        found = score(held, size=order.size, truth=labels, bootstrap=order.draws)
        return {"parts": {"public": found.to_dict()}, **_counted(held, labels), "sketch": _sketches(held)}
    shares = {"public": public, "private": {name: ~rows for name, rows in public.items()}}
    parts = {name: _part(held, labels, rows, order) for name, rows in shares.items()}
    return {
        "parts": {name: found.to_dict() for name, found in parts.items()},
        **_counted(*_cut(held, labels, public)),
        "sketch": _sketches(held),
    }


def _part(
    held: Predictions, labels: Mapping[str, NDArray], rows: Mapping[str, NDArray[np.bool_]], order: Order
) -> BigScore:
    cut, truth = _cut(held, labels, rows)
    return score(cut, size=order.size, truth=truth, bootstrap=order.draws)


def _cut(
    held: Predictions, labels: Mapping[str, NDArray], rows: Mapping[str, NDArray[np.bool_]]
) -> tuple[Predictions, dict[str, NDArray]]:
    """Predictions and labels of these rows alone, under a suite that is so much smaller."""
    members = tuple(
        Member(one.name, one.title, one.task, one.classes, int(rows[one.name].sum())) for one in held.suite
    )
    suite = Suite(held.suite.name, held.suite.version, members, held.suite.sizes)
    sets = {name: table[rows[name]] for name, table in held.sets.items()}
    return Predictions(held.file, suite, sets), {name: labels[name][rows[name]] for name in held.suite.names}


def _counted(held: Predictions, labels: Mapping[str, NDArray]) -> dict[str, dict[str, list[list[int]]]]:
    """``tables``: true class against the most likely one. ``findings``, where labels may meet: a table each.

    A row of ``findings`` counts test pictures: rightly without the label, wrongly with, missed, found.
    """
    tables, findings = {}, {}
    for name, table in held.sets.items():
        truth = np.asarray(labels[name])
        if held.suite[name].single_label:
            classes = table.shape[1]
            guess = (table[:, 1] > 0.5).astype(np.int64) if classes == 2 else table.argmax(axis=1)
            tables[name] = confusion_matrix(truth.reshape(-1), guess, classes).tolist()
        else:
            named = (table > 0.5).astype(np.int64)
            each = zip(truth.reshape(table.shape).T, named.T, strict=True)
            findings[name] = [confusion_matrix(*pair, 2).reshape(-1).tolist() for pair in each]
    return {"tables": tables, "findings": findings}


def _sketches(held: Predictions) -> dict[str, list[float]]:
    """By which copies are found; over all rows, whatever their part."""
    return {name: sketch(name, table) for name, table in held.sets.items()}


def _write_table(held: Predictions, path: Path) -> None:
    """All rows as float32 in one parquet file: set, id, p0, p1, …"""
    import pandas as pd

    frames = []
    for name, table in held.sets.items():
        frame = pd.DataFrame(table.astype(np.float32), columns=[f"p{c}" for c in range(table.shape[1])])
        frame.insert(0, "id", np.arange(len(frame), dtype=np.int32))
        frame.insert(0, "dataset", name)
        frames.append(frame)
    if frames:
        with atomic(path) as temporary:
            pd.concat(frames).to_parquet(temporary, engine="pyarrow", compression="zstd", index=False)


def main(path: str) -> None:
    """Carry out the order in `path`."""
    order = Order.read(path)
    found = carry_out(order)
    with atomic(Path(order.out) / "result.json") as temporary:
        temporary.write_text(json.dumps(found, allow_nan=False), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
