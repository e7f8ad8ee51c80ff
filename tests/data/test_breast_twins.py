"""BreastMNIST's official split: what lesson 02 says about its twins, counted on the files themselves."""

import numpy as np
import pytest

from teachkit import data

pytestmark = pytest.mark.real_data


@pytest.fixture
def breast(isolated, real_data, monkeypatch):
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    splits = {name: data.load("breastmnist", name) for name in ("train", "val", "test")}
    return splits, data.audit_splits("breastmnist")


def other_label(splits, audit, name):
    """bool [N]: twins in split `name` whose nearest training picture carries the other label."""
    nearest = audit.nearest["train", name]
    return audit.twins(name) & (splits["train"].labels[nearest.rows, 0] != splits[name].labels[:, 0])


def test_two_fifths_of_the_test_and_validation_pictures_have_a_twin_in_training(breast):
    splits, audit = breast
    assert (audit.twins("test").sum(), len(splits["test"])) == (59, 156)
    assert audit.twins("test", above=0.99).sum() == 39
    assert (audit.twins("val").sum(), len(splits["val"])) == (31, 78)


def test_twins_hold_fewer_cancers_so_accuracy_cannot_be_compared(breast):
    splits, audit = breast
    cancer, twins = splits["test"].labels[:, 0] == splits["test"].info.positive, audit.twins("test")
    assert (cancer[twins].sum(), cancer[~twins].sum()) == (9, 33)
    assert (cancer[twins].mean(), cancer[~twins].mean()) == pytest.approx((0.153, 0.340), abs=0.001)


def test_one_picture_is_malignant_in_training_and_benign_in_test(breast):
    splits, audit = breast
    (copy,) = [pair for pair in audit.copies if (pair.split_a, pair.split_b) == ("train", "test")]
    train, test = splits["train"], splits["test"]
    assert np.array_equal(train.images[copy.i], test.images[copy.j])
    names = train.info.classes
    assert names[train.labels[copy.i, 0]] == "malignant"
    assert names[test.labels[copy.j, 0]] == "normal, benign"


def test_five_twins_in_test_and_none_in_validation_carry_another_label(breast):
    splits, audit = breast
    assert other_label(splits, audit, "test").sum() == 5
    assert other_label(splits, audit, "val").sum() == 0
