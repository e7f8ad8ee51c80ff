"""Files of users: what is not what it should be is refused with file, key and value."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from teachkit import data
from teachkit.data import formats
from teachkit.errors import FormatError

Save = Callable[..., Path]


@pytest.fixture
def load(isolated: Path, save_npz: Save, monkeypatch: pytest.MonkeyPatch) -> Callable[..., data.Split]:
    """`load(key=array)` writes a set with that change and loads its training split."""

    def load_changed(**changes: Any) -> data.Split:
        file = save_npz("mine", **changes)
        monkeypatch.setenv("TEACHKIT_DATA", str(file.parent))
        return data.load("mine", "train")

    return load_changed


def test_a_good_file_gives_the_arrays_it_holds(load: Callable[..., data.Split], tmp_path: Path) -> None:
    split = load()
    with np.load(tmp_path / "mine" / "mine.npz") as arrays:
        assert np.array_equal(split.images, arrays["train_images"])  # type: ignore[arg-type]
        assert np.array_equal(split.labels, arrays["train_labels"])
    assert (split.labels.dtype, split.labels.shape) == (np.int64, (8, 1))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"train_images": None}, r"lacks train_images; it holds test_images, test_labels, train_labels"),
        ({"train_labels": None}, r"lacks train_labels"),
        ({"train_labels": np.zeros((7, 1), int)}, r"8 train_images but 7 train_labels"),
        ({"train_groups": np.zeros(9, int)}, r"8 train_images but 9 train_groups"),
        (
            {"train_images": np.zeros((8, 28, 28))},
            r"train_images is float64 \[8, 28, 28\]\. Images must be uint8",
        ),
        ({"train_images": np.zeros((8, 28, 28, 4), np.uint8)}, r"uint8 \[8, 28, 28, 4\]"),
        ({"train_images": np.zeros((8, 28), np.uint8)}, r"uint8 \[8, 28\]"),
        ({"train_labels": np.full((8, 1), -1)}, r"label -1 in row 0, out of range .*Allowed are 0 to 1"),
        (
            {"train_labels": np.array([0, 1, 0.5, 1] * 2), "val_labels": np.array(["a"] * 8)},
            r"val_labels is <U1 \[8, 1\]",
        ),
        ({"train_labels": np.full((8, 1), np.nan)}, r"no finite number in row 0"),
        ({"train_labels": np.full((8, 1), "ill")}, r"<U3"),
        (
            {"train_masks": np.zeros((8, 14, 14), np.uint8)},
            r"train_masks is uint8 \[8, 14, 14\] for images \[8, 28, 28\]",
        ),
    ],
)
def test_a_bad_array_is_named(
    changes: dict[str, Any], complaint: str, load: Callable[..., data.Split]
) -> None:
    with pytest.raises(FormatError, match=complaint) as caught:
        load(**changes)
    assert "mine.npz" in str(caught.value)
    assert caught.value.remedy


def test_a_label_out_of_the_range_of_the_described_classes_is_named(
    load: Callable[..., data.Split], save_npz: Save
) -> None:
    described = save_npz().with_suffix(".json")
    described.write_text(json.dumps({"task": "multi-class", "classes": ["a", "b", "c"]}))
    with pytest.raises(FormatError, match=r"label 3 in row 5, .*multi-class.*Allowed are 0 to 2"):
        load(train_labels=np.array([0, 1, 2, 0, 1, 3, 0, 1]))


class Bomb:
    """Unpickling this writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("key", ["train_images", "train_labels"])
def test_object_arrays_are_never_unpickled(key: str, load: Callable[..., data.Split], tmp_path: Path) -> None:
    trap = tmp_path / "exploded"
    pickle.loads(pickle.dumps(Bomb(trap)))
    assert trap.exists(), "the bomb of this test does not work"
    trap.unlink()
    with pytest.raises(FormatError, match=f"{key} is an array of Python objects, which is never unpickled"):
        load(**{key: np.array([Bomb(trap)] * 8, dtype=object)})
    assert not trap.exists()


@pytest.mark.parametrize("damage", ["cut short", "no archive", "a changed byte", "empty"])
def test_a_damaged_file_is_one_sentence(
    damage: str, isolated: Path, save_npz: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = save_npz()
    content = bytearray(file.read_bytes())
    content[3000] ^= 255
    file.write_bytes(
        {
            "cut short": bytes(content[: len(content) // 2]),
            "no archive": b"Not found",
            "a changed byte": bytes(content),
            "empty": b"",
        }[damage]
    )
    monkeypatch.setenv("TEACHKIT_DATA", str(file.parent))
    with pytest.raises(FormatError, match=r"is not a readable npz file .*Copy it again"):
        data.load("mine")


@pytest.mark.parametrize(
    ("changes", "task", "classes"),
    [
        ({}, "binary", ("0", "1")),
        ({"test_labels": np.array([0, 4] * 4)}, "multi-class", ("0", "1", "2", "3", "4")),
        ({"train_labels": np.linspace(0, 1, 8)}, "regression", ()),
        (
            {f"{split}_labels": np.eye(8, 3, dtype=int) for split in data.SPLITS},
            "multi-label",
            ("0", "1", "2"),
        ),
        ({"train_masks": np.ones((8, 28, 28), np.uint8)}, "segmentation", ("0", "1")),
    ],
)
def test_the_task_follows_from_the_arrays(
    changes: dict[str, Any], task: str, classes: tuple[str, ...], load: Callable[..., data.Split]
) -> None:
    split = load(**changes)
    assert (split.info.task, split.info.classes) == (task, classes)
    assert split.labels.dtype == (np.float32 if task == "regression" else np.int64)


def test_a_description_beside_the_file_is_believed(load: Callable[..., data.Split], save_npz: Save) -> None:
    told = {
        "title": "My set",
        "classes": ["well", "ill"],
        "positive": 1,
        "licence": "CC0",
        "commercial": True,
    }
    save_npz().with_suffix(".json").write_text(json.dumps(told))
    info = load().info
    assert (info.title, info.classes, info.positive, info.licence) == ("My set", ("well", "ill"), 1, "CC0")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not valid JSON"),
        ('{"licens": 1}', "unknown fields licens. Use some of: .*licence"),
        ("[]", "no object"),
    ],
)
def test_a_bad_description_is_refused(
    text: str, complaint: str, load: Callable[..., data.Split], save_npz: Save
) -> None:
    save_npz().with_suffix(".json").write_text(text)
    with pytest.raises(FormatError, match=complaint):
        load()


def test_big_images_are_mapped_and_small_ones_read(
    load: Callable[..., data.Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = load()
    monkeypatch.setattr(formats, "BIG_BYTES", 1000)
    big = load()
    assert not isinstance(small.images, np.memmap)
    assert isinstance(big.images, np.memmap)
    assert np.array_equal(small.images, big.images)
    assert isinstance(big[2:4].images, np.memmap)


def test_a_changed_file_is_unpacked_anew(
    load: Callable[..., data.Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "BIG_BYTES", 1000)
    before = load().images
    after = load(train_images=np.full((8, 28, 28), 7, np.uint8)).images
    assert before is not None
    assert after is not None
    assert np.all(after == 7)  # type: ignore[operator]


def test_a_single_grey_channel_is_dropped(load: Callable[..., data.Split]) -> None:
    split = load(train_images=np.zeros((8, 28, 28, 1), np.uint8))
    assert split.images is not None
    assert split.images.shape == (8, 28, 28)  # type: ignore[union-attr]
    assert split.channels == 1
