"""Scoring a whole entry of the BIG benchmark: 119,320 rows, read, checked and scored.

The plain way is that of the benchmark's first site: lists of numbers as Python text inside a CSV, read by
pandas and `ast.literal_eval`, scored by scikit-learn. Both files hold the same made numbers, shuffled.
"""

import ast
import tempfile
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics as sk
from timing import in_turns, report

from teachkit import big
from teachkit.big.resampling import resample, resample_by_definition

Tables = dict[str, NDArray[Any]]
PLAIN, FAST, DRAWS = "pandas, literal_eval and scikit-learn", "teachkit", 5


def made_entry(suite: big.Suite) -> tuple[Tables, Tables]:
    """Labels and probabilities of every set, better than chance; six digits, as networks' files have."""
    rng = np.random.default_rng(0)
    truth: Tables = {}
    found: Tables = {}
    for member in suite:
        shape = (member.rows, len(member.classes))
        noise = rng.normal(size=shape)
        if member.single_label:
            truth[member.name] = rng.integers(shape[1], size=member.rows)
            noise[np.arange(member.rows), truth[member.name]] += 1.5
            powers = np.exp(noise)
            found[member.name] = (powers / powers.sum(axis=1, keepdims=True)).round(6)
        else:
            truth[member.name] = (rng.random(shape) < 0.1).astype(np.int64)
            found[member.name] = (1 / (1 + np.exp(-noise - truth[member.name]))).round(6)
    return truth, found


def write_ours(path: Path, found: Tables, suite: big.Suite) -> None:
    """``dataset,id,p0,…`` in an order of chance."""
    big.write_predictions(path, found, suite=suite)
    header, *rows = path.read_text().splitlines(keepends=True)
    np.random.default_rng(1).shuffle(rows)
    path.write_text(header + "".join(rows))


def write_theirs(path: Path, truth: Tables, found: Tables, suite: big.Suite) -> None:
    """``dataset_name,prediction,truth,probability``, the last two and some of the first as Python lists."""
    rows = []
    for member in suite:
        for label, p in zip(truth[member.name], found[member.name], strict=True):
            guess = int(p.argmax()) if member.single_label else (p > 0.5).astype(int).tolist()
            told = np.atleast_1d(label).astype(float).tolist()
            rows.append((member.name, str(guess), str(told), str(p.tolist())))
    frame = pd.DataFrame(rows, columns=["dataset_name", "prediction", "truth", "probability"])
    frame.sample(frac=1, random_state=1).to_csv(path, index=False)


def plain_way(path: Path, suite: big.Suite) -> dict[str, dict[str, float]]:
    """Read and score as the first site did; it checked nothing."""
    frame = pd.read_csv(path)
    for column in ("prediction", "truth", "probability"):
        frame[column] = frame[column].map(ast.literal_eval)
    return {
        str(name): plain_scores(
            suite[str(name)].task,
            np.array(rows["truth"].tolist()).squeeze().astype(int),
            np.array(rows["probability"].tolist()),
        )
        for name, rows in frame.groupby("dataset_name")
    }


def plain_scores(task: str, truth: NDArray[Any], p: NDArray[Any]) -> dict[str, float]:
    """The four scores of one set by scikit-learn."""
    if task == "multi-label":
        each = [
            plain_decisions(t, s > 0.5, [sk.roc_auc_score(t, s)]) for t, s in zip(truth.T, p.T, strict=True)
        ]
        return {key: float(np.mean([one[key] for one in each])) for key in each[0]}
    if task == "binary":
        return plain_decisions(truth, p[:, -1] > 0.5, [sk.roc_auc_score(truth, p[:, -1])])
    aucs = [sk.roc_auc_score(truth == index, column) for index, column in enumerate(p.T)]
    return plain_decisions(truth, p.argmax(axis=1), aucs)


def plain_decisions(truth: NDArray[Any], guess: NDArray[Any], aucs: list[float]) -> dict[str, float]:
    return {
        "auc": float(np.mean(aucs)),
        "balacc": float(sk.balanced_accuracy_score(truth, guess)),
        "kappa": float(sk.cohen_kappa_score(truth, guess)),
        "acc": float(sk.accuracy_score(truth, guess)),
    }


def whole_entry(folder: Path) -> None:
    """An entry with all twelve sets, in the forms that a prediction file may have."""
    suite = big.find_suite("big")
    truth, found = made_entry(suite)
    ours, theirs = folder / "ours.csv", folder / "theirs.csv"
    write_ours(ours, found, suite)
    write_theirs(theirs, truth, found, suite)
    for name, form in (("gzip", ".csv.gz"), ("zip", ".zip")):
        big.write_predictions(folder / f"{name}{form}", found, suite=suite)
    agree(big.score(ours, truth=truth).sets, plain_way(theirs, suite))
    ways = {
        PLAIN: lambda: plain_way(theirs, suite),
        FAST: lambda: big.score(ours, truth=truth),
        f"{FAST}, packed by gzip": lambda: big.score(folder / "gzip.csv.gz", truth=truth),
        f"{FAST}, zip of twelve files": lambda: big.score(folder / "zip.zip", truth=truth),
        f"{FAST}, reading and checking alone": lambda: big.read_predictions(ours),
    }
    title = f"Scoring an entry of the BIG benchmark, {suite.rows:,} rows, 1 core, processor time"
    sizes = {name: {"megabytes_of_file": round(theirs.stat().st_size / 1e6, 1)} for name in [PLAIN]}
    files = (ours, folder / "gzip.csv.gz", folder / "zip.zip", ours)
    for name, file in zip(list(ways)[1:], files, strict=True):
        sizes[name] = {"megabytes_of_file": round(file.stat().st_size / 1e6, 1)}
    report("big_score", title, PLAIN, in_turns(ways, 5, clock=process_time), sizes)


def agree(ours: Any, theirs: dict[str, dict[str, float]]) -> None:
    """The two ways give the same scores; a fast wrong number is worth nothing."""
    for name, scores in theirs.items():
        for key, value in scores.items():
            if abs(ours[name][key] - value) > 1e-12:
                raise SystemExit(f"{key} of {name}: {ours[name][key]} and {value}")


def intervals() -> None:
    """The bootstrap of one large set."""
    suite = big.find_suite("big")
    truth, found = made_entry(suite)
    member = suite["pathmnist"]
    held = (member, truth[member.name], found[member.name], DRAWS, (0, 0))
    plain = "each draw measured anew"
    ways = {
        plain: lambda: resample_by_definition(*held),
        "sorted once, then weights": lambda: resample(*held),
    }
    title = f"{DRAWS} bootstrap draws of {member.rows:,} rows with {len(member.classes)} classes, 1 core"
    report("big_bootstrap", f"{title}, processor time", plain, in_turns(ways, 7, clock=process_time))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        whole_entry(Path(folder))
    intervals()
