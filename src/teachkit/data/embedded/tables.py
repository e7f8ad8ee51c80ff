"""Sets from the tables of scikit-learn: handwritten digits, and the Wisconsin breast cancer measurements."""

import gzip
import io

import numpy as np
import pandas as pd
from PIL import Image

from teachkit.data.embedded.pictures import DIGITS, WISCONSIN
from teachkit.data.parts import Part
from teachkit.data.splits import SPLITS

_QUANTITIES = (
    "radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave_points",
    "symmetry", "fractal_dimension",
)  # fmt: skip


def digits(size: int) -> dict[str, Part]:
    """Multi-class, 28 × 28 grey. Rule: the digit written; 8 × 8 pictures are enlarged, no detail is added.

    The source holds 1,797 digits by 13 writers as 8 × 8 counts from 0 to 16 (Alpaydin and Kaynak 1998).
    They are scaled to 0..255 and enlarged by bicubic interpolation. The split is at random within each
    digit, so one writer is in several splits. Counts: 1,197 train, 240 val, 360 test.
    """
    with gzip.open(DIGITS.verified()) as file:
        rows = np.loadtxt(io.BytesIO(file.read()), delimiter=",", dtype=np.int64)
    small = np.round(rows[:, :-1].reshape(-1, 8, 8) * 255 / 16).astype(np.uint8)
    images = np.stack(
        [np.asarray(Image.fromarray(digit).resize((size, size), Image.Resampling.BICUBIC)) for digit in small]
    )
    labels = rows[:, -1:]
    rng = np.random.default_rng(0)
    chosen: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    for digit in range(10):
        order = rng.permutation(np.flatnonzero(labels[:, 0] == digit))
        for split, part in zip(("val", "test", "train"), np.split(order, [24, 60]), strict=True):
            chosen[split].append(part)
    rows_of = {split: np.sort(np.concatenate(chosen[split])) for split in SPLITS}
    return {split: Part(images[index], labels[index]) for split, index in rows_of.items()}


def wisconsin(size: int) -> dict[str, Part]:
    """Regression, table only. Rule: mean radius of the nuclei in one image of a needle aspirate; the
    source states no unit, µm is the usual reading.

    One row is one patient: 569 in all, split 341/114/114 at random. The table holds the other 29
    measurements of Street et al. 1993 (mean, standard error "_se" and mean of the three largest "_worst")
    and `diagnosis` (1 malignant, 0 benign). Most size columns restate the label: perimeter and area are
    computed from the same outline.
    """
    values = np.loadtxt(WISCONSIN.verified(), delimiter=",", skiprows=1)
    names = [f"{quantity}_{kind}" for kind in ("mean", "se", "worst") for quantity in _QUANTITIES]
    table = pd.DataFrame(values[:, :-1], columns=names)
    table["diagnosis"] = (1 - values[:, -1]).astype(np.int64)  # the file codes malignant as 0
    labels = table.pop("radius_mean").to_numpy(np.float32)[:, None]
    order = np.random.default_rng(0).permutation(len(table))
    chosen = zip(SPLITS, np.split(order, [341, 455]), strict=True)
    return {
        split: Part(None, labels[rows], table=table.iloc[rows].reset_index(drop=True))
        for split, rows in ((name, np.sort(index)) for name, index in chosen)
    }
