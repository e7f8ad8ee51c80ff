"""Info and Split: titles, rows, samples."""

import numpy as np
import pandas as pd
import pytest

from teachkit.data import Info, Split
from teachkit.errors import FormatError, SettingsError

INFO = Info("made", "Made", "multi-class", ("a", "b", "c"), None, "CC0", True, "", "a test")


def split_of(labels: np.ndarray, **fields: object) -> Split:
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    return Split(images, labels[:, None], INFO, "test", 4, **fields)  # type: ignore[arg-type]


def test_title_names_set_size_split_count_and_limit() -> None:
    split = split_of(np.zeros(1200, int))
    assert split.title == "Made, 4×4, test (n = 1,200)"
    limited = split.replace(info=Info("m", "Made", "binary", (), None, "", True, "", "", note="n = 1 slide"))
    assert limited.title == "Made, 4×4, test (n = 1,200; n = 1 slide)"
    assert split.replace(size=None).title == "Made, test (n = 1,200)"


def test_a_task_nobody_knows_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"'guessing' is not a task .*Use one of binary"):
        Info("made", "Made", "guessing", (), None, "", True, "", "")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (slice(1, 4), [1, 2, 3]),
        (np.array([5, 0]), [5, 0]),
        ([2], [2]),
        (3, [3]),
        (-1, [5]),
        (np.array([True, False, False, True, False, False]), [0, 3]),
    ],
)
def test_rows_of_every_field_stay_together(rows: object, expected: list[int]) -> None:
    numbers = np.arange(6)
    split = split_of(
        numbers % 3,
        masks=list(np.zeros((6, 4, 4), np.uint8)),
        table=pd.DataFrame({"number": numbers}),
        groups=numbers * 10,
    )
    part = split[rows]  # type: ignore[index]
    assert part.images is not None
    assert [int(image[0, 0]) for image in part.images] == expected
    assert part.labels[:, 0].tolist() == [row % 3 for row in expected]
    assert part.table is not None
    assert part.table["number"].tolist() == expected
    assert part.groups is not None
    assert (part.groups / 10).tolist() == expected
    assert part.masks is not None
    assert len(part.masks) == len(part) == len(expected)


def test_fields_of_different_length_are_refused() -> None:
    with pytest.raises(FormatError, match="2 groups but 3 labels"):
        split_of(np.zeros(3, int), groups=np.zeros(2))


def test_channels_follow_from_the_pictures() -> None:
    grey = split_of(np.zeros(3, int))
    assert grey.channels == 1
    assert grey.replace(images=np.zeros((3, 4, 4, 3), np.uint8)).channels == 3
    assert grey.replace(images=None).channels == 0


def test_a_sample_keeps_order_and_class_shares() -> None:
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    split = split_of(np.random.default_rng(0).permutation(labels)).replace(images=None)
    sample = split.replace(groups=np.arange(1000)).sample(50, seed=3)
    assert np.bincount(sample.labels[:, 0]).tolist() == [30, 15, 5]
    assert sample.groups is not None
    assert (np.diff(sample.groups) > 0).all()


def test_a_sample_is_decided_by_its_seed() -> None:
    split = split_of(np.arange(200) % 3, groups=np.arange(200))
    first, again, other = split.sample(20, 1), split.sample(20, 1), split.sample(20, 2)
    assert np.array_equal(first.groups, again.groups)  # type: ignore[arg-type]
    assert not np.array_equal(first.groups, other.groups)  # type: ignore[arg-type]


def test_a_sample_larger_than_the_split_is_the_split() -> None:
    split = split_of(np.arange(5) % 3)
    assert split.sample(9) is split
    with pytest.raises(SettingsError, match="at least one"):
        split.sample(0)
