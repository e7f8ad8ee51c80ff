"""Splits of one set, taken together."""

import numpy as np
import pytest

from teachkit import data
from teachkit.errors import FormatError


def test_the_wisconsin_table_has_569_different_rows_when_joined(offline):
    parts = [data.load("wisconsin", split) for split in ("train", "val", "test")]
    whole = parts[0].join(*parts[1:])
    assert len(whole) == 569
    assert whole.split == "train + val + test"
    assert list(whole.table.index) == list(range(569))
    assert not whole.table.assign(y=whole.labels[:, 0]).duplicated().any()
    np.testing.assert_array_equal(whole.labels[341:455], parts[1].labels)


def test_images_groups_and_size_stay_in_order(offline):
    parts = [data.load("ihc_nuclei", split) for split in ("train", "test")]
    whole = parts[0].join(parts[1])
    np.testing.assert_array_equal(whole.images[-1], parts[1].images[-1])
    assert whole.size == parts[0].size
    if whole.groups is not None:
        np.testing.assert_array_equal(whole.groups, np.concatenate([part.groups for part in parts]))


def test_pictures_of_different_sizes_become_a_list(offline):
    small = data.load("digits", "val")
    large = small.replace(images=np.pad(small.images, [(0, 0), (2, 2), (2, 2)]), size=32)
    whole = small.join(large)
    assert isinstance(whole.images, list)
    assert whole.size is None
    assert [image.shape for image in (whole.images[0], whole.images[-1])] == [(28, 28), (32, 32)]


def test_one_split_alone_is_itself(offline):
    split = data.load("wisconsin", "val")
    assert split.join().title == split.title


def test_two_sets_are_not_one(offline):
    with pytest.raises(FormatError, match="not splits of one set"):
        data.load("wisconsin").join(data.load("digits"))


def test_a_field_that_only_one_split_has_is_refused(offline):
    split = data.load("wisconsin", "val")
    with pytest.raises(FormatError, match="1 of 2 splits have table"):
        split.join(split.replace(table=None, images=None))
