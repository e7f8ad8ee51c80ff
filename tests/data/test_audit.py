"""Do splits know each other: copies, near twins, groups, shares; the measured facts of two real sets."""

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from teachkit.data import audit
from teachkit.data.audit import audit_splits, compare_splits
from teachkit.data.splits import Info, Split
from teachkit.errors import SettingsError, UnknownNameError

INFO = Info("made", "Made", "binary", ("well", "ill"), 1, "", True, "", "", note="n = 1 test")


def split(name: str, images: np.ndarray, **fields: object) -> Split:
    labels = fields.pop("labels", np.arange(len(images))[:, None] % 2)
    return Split(images, labels, fields.pop("info", INFO), name, 28, **fields)


def noise(n: int, seed: int, shape: tuple[int, ...] = (28, 28)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), np.uint8)


def blended(image: np.ndarray, correlation: float, seed: int) -> np.ndarray:
    """A picture whose correlation with `image` is about `correlation`."""
    other = np.random.default_rng(seed).normal(size=image.shape)
    unit = (image - image.mean()) / image.std()
    mixed = correlation * unit + np.sqrt(1 - correlation**2) * other
    return np.clip(np.round(128 + 30 * mixed), 0, 255).astype(np.uint8)


@pytest.fixture
def made() -> dict[str, Split]:
    """Test row 3 copies train row 7; rows 4 and 5 resemble train rows 8 (.97) and 9 (.995)."""
    train, test = noise(40, 0), noise(10, 1)
    test[3] = train[7]
    test[4], test[5] = blended(train[8], 0.97, 2), blended(train[9], 0.995, 3)
    return {"train": split("train", train), "val": split("val", noise(6, 4)), "test": split("test", test)}


def test_planted_twins_are_found_and_nothing_else(made: dict[str, Split]) -> None:
    found = compare_splits(made)
    assert np.flatnonzero(found.twins("test")).tolist() == [3, 4, 5]
    assert np.flatnonzero(found.twins("test", above=0.99)).tolist() == [3, 5]
    assert [(p.split_a, p.i, p.split_b, p.j) for p in found.pairs] == [
        ("train", 7, "test", 3),
        ("train", 9, "test", 5),
        ("train", 8, "test", 4),
    ]
    assert [(pair.i, pair.j, pair.correlation) for pair in found.copies] == [(7, 3, 1.0)]


@pytest.mark.parametrize("shape", [(28, 28), (20, 20, 3)])
def test_correlations_equal_numpys(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Against np.corrcoef, pair by pair, with blocks so small that every border is crossed."""
    monkeypatch.setattr(audit, "_BLOCK", 7)
    first, second = noise(30, 5, shape), noise(16, 6, shape)
    found = compare_splits({"train": split("train", first), "test": split("test", second)}).nearest[
        "train", "test"
    ]

    def flat(image: np.ndarray) -> np.ndarray:
        return (image - image.mean(axis=(0, 1))).ravel()

    table = np.array([[np.corrcoef(flat(a), flat(b))[0, 1] for a in first] for b in second])
    assert (found.rows == table.argmax(axis=1)).all()
    assert np.allclose(found.correlation, table.max(axis=1), atol=1e-6)


def test_brightness_and_contrast_do_not_hide_a_twin() -> None:
    train = noise(20, 0) // 2
    test = train[:3] + 100
    assert compare_splits({"train": split("train", train), "test": split("test", test)}).twins("test").all()


def test_flat_pictures_are_twins_only_when_identical() -> None:
    train = np.full((2, 28, 28), 7, np.uint8)
    test = np.stack([np.full((28, 28), 7, np.uint8), np.full((28, 28), 9, np.uint8)])
    found = compare_splits({"train": split("train", train), "test": split("test", test)})
    assert found.twins("test").tolist() == [True, False]


def test_large_pictures_are_compared_at_a_smaller_scale() -> None:
    train = np.kron(noise(6, 0), np.ones((1, 8, 8), np.uint8))  # 224 pixels
    test = train[2:4].copy()
    test[0, ::2] ^= 1  # no longer identical
    found = compare_splits({"train": split("train", train), "test": split("test", test)})
    assert found.nearest["train", "test"].rows.tolist() == [2, 3]
    assert found.nearest["train", "test"].identical.tolist() == [False, True]
    assert found.twins("test", above=0.99).all()


def test_pictures_of_different_sizes_are_compared_on_one_grid() -> None:
    train = [np.kron(image, np.ones((k + 2, 2), np.uint8)) for k, image in enumerate(noise(4, 0, (32, 32)))]
    test = [np.kron(noise(4, 0, (32, 32))[1], np.ones((5, 5), np.uint8))]
    labels = np.zeros((4, 0), int)
    info = Info("made", "Made", "segmentation", ("a", "b"), None, "", True, "", "")
    found = compare_splits(
        {
            "train": split("train", train, labels=labels, info=info),
            "test": split("test", test, labels=labels[:1], info=info),
        }
    )
    assert found.nearest["train", "test"].rows.tolist() == [1]
    assert not found.nearest["train", "test"].identical.any()
    assert "largest shift" not in found.table


def test_shared_patients_are_counted(made: dict[str, Split]) -> None:
    groups = {"train": np.arange(40) // 4, "val": np.arange(6) + 100, "test": np.arange(10) + 8}
    known = {name: part.replace(groups=groups[name]) for name, part in made.items()}
    assert compare_splits(known).groups_shared == {
        ("train", "val"): 0,
        ("train", "test"): 2,
        ("val", "test"): 0,
    }
    assert set(compare_splits(made).table["shared groups"]) == {"not known"}


def test_class_shares_and_their_shift(made: dict[str, Split]) -> None:
    ill = made | {"test": made["test"].replace(labels=np.array([[1]] * 9 + [[0]]))}
    found = compare_splits(ill)
    assert found.prevalence.loc["train", "ill"] == 0.5
    assert found.prevalence.loc["test", "ill"] == 0.9
    row = found.table.query("`rows of` == 'test' and `compared with` == 'train'")
    assert row["largest shift"].item() == 0.4


def test_tables_are_compared_row_by_row() -> None:
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]})
    info = Info("made", "Made", "regression", (), None, "", True, "", "", unit="µm")
    labels = np.ones((3, 1), np.float32)
    parts = {
        "train": Split(None, labels, info, "train", None, table=table),
        "test": Split(None, labels + 1, info, "test", None, table=table.assign(b=[0.0, 5.0, 0.0])),
    }
    found = compare_splits(parts)
    assert found.twins("test").tolist() == [False, True, False]
    assert found.prevalence.loc["test", "mean label (µm)"] == 2


def test_a_limit_on_rows_is_kept_and_told(made: dict[str, Split]) -> None:
    found = compare_splits(made, max_rows=5)
    assert (found.nearest["train", "test"].rows >= 0).sum() == 5
    assert len(found.twins("test")) == 10
    assert "At most 5 random rows" in str(found)
    rows = found.nearest["train", "val"].rows
    assert set(rows[rows >= 0]) <= set(range(40))


def test_what_a_notebook_shows(made: dict[str, Split]) -> None:
    page = compare_splits(made)._repr_html_()
    assert "Made, 28×28; n = 1 test" in page
    assert "exact copies" in page
    assert "Pearson" in page


@pytest.mark.parametrize("rows", [0, -1])
def test_a_limit_that_leaves_nothing_is_refused(rows: int, offline: Path) -> None:
    with pytest.raises(SettingsError, match=r"leaves nothing.*Give at least 1"):
        audit_splits("ihc_patches", max_rows=rows)


def test_splits_that_were_not_compared_are_refused(made: dict[str, Split]) -> None:
    with pytest.raises(SettingsError, match=r"'train' was not compared.*test with train"):
        compare_splits(made).twins("train", of="test")


def test_an_unknown_set_gets_the_nearest_name(offline: Path) -> None:
    with pytest.raises(UnknownNameError, match="ihc_patches"):
        audit_splits("ihc_patch")


def test_memory_does_not_grow_with_the_rows() -> None:
    """12,000 × 6,000 correlations would take 288 MB at once, the pictures as floats another 56."""
    parts = {"train": split("train", noise(12_000, 0)), "test": split("test", noise(6_000, 1))}
    tracemalloc.start()
    compare_splits(parts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120 * 2**20


def test_embedded_sets_have_no_copies_and_no_shared_regions(offline: Path) -> None:
    for name in ("ihc_patches", "fundus_vessels"):
        found = audit_splits(name)
        assert not found.copies
        assert set(found.groups_shared.values()) == {0}


@pytest.fixture
def official(real_data: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))


@pytest.mark.real_data
@pytest.mark.usefixtures("official")
def test_eight_validation_images_of_pneumoniamnist_are_copies_of_training_images() -> None:
    start = time.perf_counter()
    found = audit_splits("pneumoniamnist")
    assert time.perf_counter() - start < 20
    assert [pair.split_a for pair in found.copies] == ["train"] * 8
    assert [pair.split_b for pair in found.copies] == ["val"] * 8
    assert found.prevalence["pneumonia"].round(2).to_dict() == {"train": 0.74, "val": 0.74, "test": 0.62}


@pytest.mark.real_data
@pytest.mark.usefixtures("official")
def test_breastmnist_has_59_near_twins_39_of_them_above_99_and_one_copy() -> None:
    found = audit_splits("breastmnist")
    assert found.twins("test").sum() == 59
    assert found.twins("test", above=0.99).sum() == 39
    assert [(pair.split_a, pair.split_b) for pair in found.copies] == [("train", "test")]
    labels = audit.load("breastmnist", "test").labels[:, 0]
    twin = found.twins("test", above=0.99)
    assert round(labels[~twin].mean(), 2) == 0.68  # benign
    assert round(labels[twin].mean(), 2) == 0.90
