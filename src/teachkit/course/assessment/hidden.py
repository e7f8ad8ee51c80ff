"""A test that nobody can look up, from pictures of your own: ``teachkit course make-hidden``.

All pictures of a set are divided anew by a secret key, the test pictures are changed a little by the same
key, and they come in an order that only the key gives. Students receive them without labels.

The key protects against look-ups: by row, by file name, by checksum. It does not make public labels
secret: whoever holds the same pictures can search for the most similar one. So use pictures of your own.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teachkit.course.challenge import read_arrays, save_arrays
from teachkit.data import load
from teachkit.data.splits import Split
from teachkit.errors import FormatError, SettingsError
from teachkit.paths import atomic

TASKS = ("binary", "multi-class", "ordinal")
SHORTEST_KEY = 16
SHIFT, GAIN, OFFSET, NOISE = 1, 0.05, 4, 2  # of the change: pixels, share, grey levels, grey levels


@dataclass(frozen=True)
class Hidden:
    """What was written.

    Attributes:
        name: what students load it by, after ``data.register_folder(folder)``.
        folder: for the class: pictures, labels of train and val, zeros for the labels of test.
        truth: for the instructor alone: ids and labels of the test pictures.
        counts: pictures in train, val and test.
    """

    name: str
    folder: Path
    truth: Path
    counts: dict[str, int]


def read_key(path: Path) -> bytes:
    """The secret key in a file, without white space at its ends.

    Raises:
        SettingsError: there is no such file, or fewer than 16 bytes in it.
    """
    make = f"Make one: python -c 'import secrets; print(secrets.token_hex())' > {path}"
    if not path.is_file():
        raise SettingsError(f"There is no key file {path}.", make, path=path)
    key = path.read_bytes().strip()
    if len(key) < SHORTEST_KEY:
        raise SettingsError(f"The key in {path} has {len(key)} bytes, fewer than {SHORTEST_KEY}.", make)
    return key


def make_hidden(
    name: str,
    key: bytes,
    out: Path,
    *,
    called: str = "",
    shares: tuple[float, float] = (0.15, 0.3),
    size: int = 28,
) -> Hidden:
    """Divide a set by `key` and write what students get, and apart from it what they do not.

    Patients (or slides) stay in one part where the set names them; equal pictures always do.

    Args:
        name: a set for binary, multi-class or ordinal classes that `data.load` answers.
        key: the secret; the same key gives the same division.
        out: gets the folders ``class`` and ``instructor``.
        called: name of the new set; default: ``NAME_hidden``.
        shares: of the pictures in val and in test.
        size: edge length in pixels.

    Raises:
        SettingsError: another task, impossible shares, or a class that is absent from one part.
    """
    called = called or f"{name}_hidden"
    whole = load(name, "train", size).join(load(name, "val", size), load(name, "test", size))
    images = _checked(whole, shares)
    rows = _divided(whole, images, key, shares)
    for part, index in rows.items():
        absent = set(np.unique(whole.labels)) - set(np.unique(whole.labels[index]))
        if absent:
            raise SettingsError(
                f"With this key, {part} has no picture of class {min(absent)}.",
                "Take another key, larger shares, or more pictures.",
                name=name,
            )
    arrays = {f"{part}_images": images[index] for part, index in rows.items()}
    arrays |= {f"{part}_labels": whole.labels[index] for part, index in rows.items()}
    ids = [_digest(key, "id", images[row]).hex()[:16] for row in rows["test"]]
    truth: dict[str, ArrayLike] = {
        "labels": arrays["test_labels"][:, 0],
        "ids": np.array(ids),
        "data": called,
        "task": whole.info.task,
    }
    arrays["test_labels"] = np.zeros_like(arrays["test_labels"])
    arrays["test_images"] = np.stack([_changed(image, key) for image in arrays["test_images"]])
    counts = {part: len(index) for part, index in rows.items()}
    folder, keep = out / "class", out / "instructor"
    for place in (folder, keep):
        place.mkdir(parents=True, exist_ok=True)
    save_arrays(folder / f"{called}.npz", arrays)
    _tell(folder / f"{called}.json", called, whole, counts)
    path = save_arrays(keep / f"{called}_truth.npz", truth)
    return Hidden(called, folder, path, counts)


@dataclass(frozen=True, eq=False)
class Truth:
    """What students do not have: labels [N] of the test pictures in their order, name and task of the set."""

    labels: NDArray[np.int64]
    data: str
    task: str


def read_truth(path: Path) -> Truth:
    """Read what `make_hidden` wrote for the instructor.

    Raises:
        FormatError: the file is absent or damaged.
    """
    found = read_arrays(path, ("labels", "data", "task"))
    if found["labels"].ndim != 1 or found["labels"].dtype.kind not in "iu":
        raise FormatError(
            f"The labels in {path.name} are {found['labels'].dtype} of shape {found['labels'].shape}.",
            "Give the file that teachkit course make-hidden wrote into the folder instructor.",
            path=path,
        )
    return Truth(found["labels"].astype(np.int64), str(found["data"]), str(found["task"]))


def _checked(whole: Split, shares: tuple[float, float]) -> NDArray[np.uint8]:
    if whole.info.task not in TASKS or isinstance(whole.images, list) or whole.images is None:
        raise SettingsError(
            f"{whole.info.title} is a set for {whole.info.task}, or its pictures differ in size.",
            f"Hidden tests are made of pictures of one size for {', '.join(TASKS)}.",
            name=whole.info.name,
        )
    if min(shares) <= 0 or sum(shares) >= 1:
        raise SettingsError(
            f"Shares of {shares[0]:g} and {shares[1]:g} leave nothing to learn from, or to test on.",
            "Give two positive shares whose sum is below 1.",
            shares=shares,
        )
    return np.asarray(whole.images)


def _divided(
    whole: Split, images: NDArray[np.uint8], key: bytes, shares: tuple[float, float]
) -> dict[str, NDArray[np.int64]]:
    """Rows of each part, in the order of their ids."""
    groups = [image.tobytes() for image in images]
    if whole.groups is not None:
        groups = [str(group).encode() for group in whole.groups]
    place = {group: _digest(key, "part", group) for group in set(groups)}
    order = sorted(range(len(groups)), key=lambda row: (place[groups[row]], _digest(key, "id", images[row])))
    cuts = {"test": round(shares[1] * len(order)), "val": round(sum(shares) * len(order))}
    parts: dict[str, list[int]] = {"test": [], "val": [], "train": []}
    part, last = "test", b""
    for number, row in enumerate(order):
        if groups[row] != last and part in cuts and number >= cuts[part]:  # a group is never cut
            part = "val" if part == "test" and number < cuts["val"] else "train"
        parts[part].append(row)
        last = groups[row]
    by_id = {row: _digest(key, "id", images[row]) for row in order}
    return {name: np.array(sorted(rows, key=by_id.__getitem__), dtype=int) for name, rows in parts.items()}


def _changed(image: NDArray[np.uint8], key: bytes) -> NDArray[np.uint8]:
    """The picture moved by at most a pixel, a little brighter or darker, and with a little noise."""
    draw = np.random.default_rng(list(_digest(key, "change", image)))
    down, right = draw.integers(-SHIFT, SHIFT + 1, 2)
    edges = [(SHIFT, SHIFT), (SHIFT, SHIFT), *[(0, 0)] * (image.ndim - 2)]
    wide = np.pad(image, edges, mode="edge").astype(float)
    height, width = image.shape[:2]
    moved = wide[SHIFT + down : SHIFT + down + height, SHIFT + right : SHIFT + right + width]
    moved = moved * (1 + draw.uniform(-GAIN, GAIN)) + draw.uniform(-OFFSET, OFFSET)
    return np.clip(np.rint(moved + draw.uniform(-NOISE, NOISE, moved.shape)), 0, 255).astype(np.uint8)


def _digest(key: bytes, purpose: str, content: bytes | NDArray[np.uint8]) -> bytes:
    data = content if isinstance(content, bytes) else np.ascontiguousarray(content).tobytes()
    return hmac.new(key, purpose.encode() + b"\0" + data, hashlib.sha256).digest()


def _tell(path: Path, called: str, whole: Split, counts: dict[str, int]) -> None:
    info = whole.info
    told = {
        "title": called,
        "task": info.task,
        "classes": list(info.classes),
        "licence": info.licence,
        "commercial": info.commercial,
        "citation": info.citation,
        "channels": whole.channels,
        "counts": counts,
        "note": "hidden test labels",
        **({} if info.positive is None else {"positive": info.positive}),
    }
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
