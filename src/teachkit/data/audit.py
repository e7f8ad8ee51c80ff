"""Do the splits of a set know each other? Copies, near twins, shared groups and shifted class shares.

Images are not patients: two pictures of one lesion on both sides of a split make a test score too good. The
reverse does not hold: pictures with one layout, such as digits or whole fundus discs, correlate without being
twins. Look at the pairs.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from teachkit.data.loading import load
from teachkit.data.registry import DEFAULT_SIZE
from teachkit.data.splits import SPLITS, Split
from teachkit.errors import SettingsError

NEAR, NEARER = 0.95, 0.99
_EDGE = 32  # larger pictures are averaged down to at most this edge before they are correlated
_BLOCK = 2048  # rows of either side in one matrix product: 16 MiB of correlations


class Pair(NamedTuple):
    """Row `j` of `split_b` and the row `i` of `split_a` that is most like it."""

    split_a: str
    i: int
    split_b: str
    j: int
    correlation: float


@dataclass(frozen=True, eq=False)
class Nearest:
    """For every row of one split its most similar row in an earlier one.

    Attributes:
        rows: int64 [N], the most similar row; an identical one where there is any, -1 where nothing compares.
        correlation: float32 [N], Pearson's correlation of the pixel values; 1 for identical rows, 0 for
            pictures of one flat colour.
        identical: bool [N], whether every value of the picture (or table row) is the same.
    """

    rows: np.ndarray
    correlation: np.ndarray
    identical: np.ndarray


@dataclass(frozen=True, eq=False)
class Audit:
    """What `audit_splits` found; a notebook shows it as a table.

    Attributes:
        title: the set, its image size and note.
        nearest: (earlier split, later split) → most similar rows.
        prevalence: share of every class per split; the mean label for regression. The column "largest shift"
            of the table is the largest difference between two of its rows.
        groups_shared: (earlier split, later split) → patients, slides or regions in both; None when groups
        are not known. compared: how similarity was measured, in one sentence.
    """

    title: str
    nearest: Mapping[tuple[str, str], Nearest]
    prevalence: pd.DataFrame
    groups_shared: Mapping[tuple[str, str], int] | None
    compared: str

    def twins(self, split: str = "test", *, above: float = NEAR, of: str = "train") -> np.ndarray:
        """bool [N]: rows of `split` with an identical row in `of`, or one that correlates above `above`.

        Raises:
            SettingsError: when the two splits were not compared.
        """
        if (of, split) not in self.nearest:
            known = ", ".join(f"{b} with {a}" for a, b in self.nearest)
            raise SettingsError(
                f"{split!r} was not compared with {of!r}.", f"Compared were: {known}.", split=split
            )
        found = self.nearest[of, split]
        return found.identical | (found.correlation > above)

    @property
    def pairs(self) -> list[Pair]:
        """Every row with a near twin in an earlier split, with the nearest one; most similar first."""
        found = [
            Pair(a, int(nearest.rows[j]), b, int(j), float(nearest.correlation[j]))
            for (a, b), nearest in self.nearest.items()
            for j in np.flatnonzero(nearest.identical | (nearest.correlation > NEAR))
        ]
        return sorted(found, key=lambda pair: -pair.correlation)

    @property
    def copies(self) -> list[Pair]:
        """The pairs whose values are identical."""
        return [pair for pair in self.pairs if self.nearest[pair.split_a, pair.split_b].identical[pair.j]]

    @property
    def table(self) -> pd.DataFrame:
        """One row per pair of splits: how many of the later split's rows have a copy or near twin in the
        earlier.
        """
        groups, shares = self.groups_shared, self.prevalence
        rows = []
        for (a, b), nearest in self.nearest.items():
            row: dict[str, object] = {
                "rows of": b,
                "compared with": a,
                "n": len(nearest.rows),
                "exact copies": int(nearest.identical.sum()),
                f"correlation > {NEARER}": int(self.twins(b, above=NEARER, of=a).sum()),
                f"correlation > {NEAR}": int(self.twins(b, above=NEAR, of=a).sum()),
                "shared groups": "not known" if groups is None else groups[a, b],
            }
            if len(shares.columns):
                row["largest shift"] = round(
                    float(np.abs(shares.loc[b].to_numpy() - shares.loc[a].to_numpy()).max()), 3
                )
            rows.append(row)
        return pd.DataFrame(rows)

    def __str__(self) -> str:
        return f"{self.title}\n{self.table.to_string(index=False)}\n{self.compared}"

    def _repr_html_(self) -> str:
        shares = ""
        if len(self.prevalence.columns):
            shares = f"<p>Class shares or mean label</p>{self.prevalence.round(3).to_html(border=0)}"
        return (
            f"<p><strong>{html.escape(self.title)}</strong></p>{self.table.to_html(index=False, border=0)}"
            f"{shares}<p>{html.escape(self.compared)}</p>"
        )


def audit_splits(name: str, size: int = DEFAULT_SIZE, *, max_rows: int | None = None, seed: int = 0) -> Audit:
    """Compare the splits of a set: exact copies, near twins, shared groups, class shares.

    Args:
        size: image size to load; pictures above 32 pixels are averaged down before they are correlated.
        max_rows: compare at most so many rows of each split, drawn with `seed`; the default is all. Time
        grows with the product of the counts: PneumoniaMNIST takes about a second on one core, PathMNIST
        minutes.

    Raises:
        UnknownNameError, SettingsError, DataError: as `teachkit.data.load`.
    """
    splits = {split: load(name, split, size) for split in SPLITS}
    if max_rows is not None and max_rows < 1:
        raise SettingsError(
            f"max_rows = {max_rows} leaves nothing to compare.", "Give at least 1.", max_rows=max_rows
        )
    return compare_splits(splits, max_rows=max_rows, seed=seed)


def compare_splits(splits: Mapping[str, Split], *, max_rows: int | None = None, seed: int = 0) -> Audit:
    """`audit_splits` for splits that are already loaded; row numbers then refer to these."""
    kept = {name: _drawn(split, max_rows, seed) for name, split in splits.items()}
    nearest, shared = {}, {}
    for (a, (first, _)), (b, (second, rows)) in combinations(kept.items(), 2):
        found = _nearest(first, second)
        back = np.where(found.rows < 0, -1, kept[a][1][found.rows])
        nearest[a, b] = _spread(replace(found, rows=back), rows, len(splits[b]))
        groups_a, groups_b = splits[a].groups, splits[b].groups
        if groups_a is not None and groups_b is not None:
            shared[a, b] = len(np.intersect1d(groups_a, groups_b))
    one = next(iter(splits.values()))
    note = f"; {one.info.note}" if one.info.note else ""
    size = f", {one.size}×{one.size}" if one.size else ""
    limit = "" if max_rows is None else f" At most {max_rows:,} random rows of each split were compared."
    how = (
        "Rows of the table were compared for identity only."
        if one.images is None
        else "Similarity is Pearson's correlation of pixel values, each colour channel about its own mean."
    )
    return Audit(
        title=f"{one.info.title}{size}{note}",
        nearest=nearest,
        prevalence=pd.DataFrame([_prevalence(split) for split in splits.values()], index=list(splits)),
        groups_shared=shared or None,
        compared=how + limit,
    )


def _drawn(split: Split, max_rows: int | None, seed: int) -> tuple[Split, np.ndarray]:
    """At most `max_rows` rows, and their numbers."""
    rows = np.arange(len(split))
    if max_rows is None or len(split) <= max_rows:
        return split, rows
    rows = np.sort(np.random.default_rng(seed).choice(rows, size=max_rows, replace=False))
    return split[rows], rows


def _spread(found: Nearest, rows: np.ndarray, total: int) -> Nearest:
    """`found` for all `total` rows: those that were not drawn have no neighbour."""
    full = Nearest(np.full(total, -1), np.zeros(total, np.float32), np.zeros(total, bool))
    full.rows[rows], full.identical[rows] = found.rows, found.identical
    full.correlation[rows] = found.correlation
    return full


def _prevalence(split: Split) -> dict[str, float]:
    """Share of each class; the mean label for regression; nothing where pictures carry no label."""
    if split.info.task == "regression":
        return {
            f"mean label ({split.info.unit})" if split.info.unit else "mean label": float(split.labels.mean())
        }
    if split.labels.shape[1] == 0:
        return {}
    if split.info.task == "multi-label":
        return dict(zip(split.info.classes, split.labels.mean(axis=0).tolist(), strict=True))
    counts = np.bincount(split.labels[:, 0], minlength=len(split.info.classes))
    return dict(zip(split.info.classes, (counts / max(1, len(split))).tolist(), strict=True))


def _nearest(first: Split, second: Split) -> Nearest:
    rows, correlation = _most_correlated(first, second)
    known = {key: i for i, key in reversed(list(enumerate(_keys(first))))}
    copy = np.array([known.get(key, -1) for key in _keys(second)], dtype=np.int64)
    identical = copy >= 0
    return Nearest(
        np.where(identical, copy, rows), np.where(identical, np.float32(1), correlation), identical
    )


def _keys(split: Split) -> Iterator[bytes]:
    """For each row something that is equal exactly when all its values are."""
    if split.images is None:
        assert split.table is not None
        yield from (row.tobytes() for row in split.table.to_numpy(np.float64))
    else:
        yield from (repr(image.shape).encode() + image.tobytes() for image in split.images)


def _most_correlated(first: Split, second: Split) -> tuple[np.ndarray, np.ndarray]:
    """For every row of `second` the row of `first` with the highest correlation, and that correlation.

    Works on blocks of both sides, so that memory does not grow with the number of rows.
    """
    best = np.full(len(second), -1)
    score = np.zeros(len(second), np.float32)
    if first.images is None or second.images is None or first.channels != second.channels:
        return best, score
    for start in range(0, len(second), _BLOCK):
        right = _unit_vectors(second.images[start : start + _BLOCK])
        here = slice(start, start + len(right))
        top = np.full(len(right), -np.inf, np.float32)
        for offset in range(0, len(first), _BLOCK):
            product = right @ _unit_vectors(first.images[offset : offset + _BLOCK]).T
            column = product.argmax(axis=1)
            value = product[np.arange(len(right)), column]
            better = value > top
            top[better], best[here][better] = value[better], column[better] + offset
        score[here] = np.minimum(top, 1)
    return best, score


def _unit_vectors(images: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
    """float32 [N, D]: pixel values with mean 0 and length 1, so that a dot product is Pearson's
    correlation.
    """
    if isinstance(images, np.ndarray):
        factor = -(-max(images.shape[1:3]) // _EDGE)
        small = _averaged(images, factor) if factor > 1 else images.astype(np.float32)
    else:  # sizes differ: compare what the pictures look like on one common grid
        grid = [Image.fromarray(image).resize((_EDGE, _EDGE), Image.Resampling.BOX) for image in images]
        small = np.stack([np.asarray(image, np.float32) for image in grid])
    centred = small - small.mean(axis=(1, 2), keepdims=True)
    vectors = centred.reshape(len(centred), -1)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-3)


def _averaged(images: np.ndarray, factor: int) -> np.ndarray:
    """Means of `factor` × `factor` pixels; a rest at the right and lower edge is left out."""
    rows, columns = (edge // factor for edge in images.shape[1:3])
    cut = images[:, : rows * factor, : columns * factor]
    blocks = cut.reshape(len(cut), rows, factor, columns, factor, *images.shape[3:])
    return blocks.mean(axis=(2, 4), dtype=np.float32)
