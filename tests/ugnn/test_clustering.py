"""Clusters: whose images are whose, what is new to all models, and what an epoch is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from teachkit import data, ugnn
from teachkit.errors import FormatError, SettingsError
from teachkit.ugnn.thickness import FORMS, in_form


def keys(split) -> set[bytes]:
    return {image.tobytes() for image in split.images}


def by(how, digits, **options):
    return ugnn.clusters(*digits, by=how, **options)


@pytest.mark.parametrize("how", ["kmeans", "random"])
def test_every_image_of_the_pool_is_in_one_cluster_or_in_the_validation_split(digits, how):
    found = by(how, digits)
    parts = [*found.train, found.val]
    assert sum(map(len, parts)) == len(digits[0]) == len(set.union(*map(keys, parts)))
    assert found.test is digits[1]


@pytest.mark.parametrize("how", ["kmeans", "random", "thickness"])
def test_the_same_fold_gives_the_same_clusters(digits, how):
    a, b, other = by(how, digits, fold=1), by(how, digits, fold=1), by(how, digits, fold=2)
    assert [keys(part) for part in a.train] == [keys(part) for part in b.train]
    assert [keys(part) for part in a.train] != [keys(part) for part in other.train]


def test_validation_splits_of_all_folds_are_the_pool(digits):
    held_out = [keys(by("random", digits, fold=fold).val) for fold in range(5)]
    assert set.union(*held_out) == keys(digits[0])
    assert sum(map(len, held_out)) == len(digits[0])


def test_a_fold_keeps_patients_together(digits):
    pool = digits[0].replace(groups=np.arange(len(digits[0])) // 4)
    found = ugnn.clusters(pool, digits[1], by="random")
    train = set(np.concatenate([part.groups for part in found.train]))
    assert not train & set(found.val.groups)


def test_kmeans_clusters_are_those_of_scikit_learn_and_never_see_test_images(digits):
    found = by("kmeans", digits, fold=3)
    changed = digits[1].replace(images=255 - digits[1].images)
    again = ugnn.clusters(digits[0], changed, fold=3)
    assert [keys(part) for part in found.train] == [keys(part) for part in again.train]
    pixels = np.concatenate([part.images.reshape(len(part), -1) for part in found.train]).astype(float) / 255
    scores = PCA(50, random_state=3).fit_transform(pixels)
    inertia = KMeans(3, n_init=10, random_state=3).fit(scores).inertia_
    ends = np.cumsum(found.sizes)[:-1]
    ours = sum(((part - part.mean(0)) ** 2).sum() for part in np.split(scores, ends))
    assert ours == pytest.approx(inertia, rel=0.02)


def test_kmeans_clusters_are_less_alike_than_random_ones(digits):
    def spread(found):
        means = np.stack([part.images.mean(0) for part in found.train])
        return float(means.std(0).mean())

    assert spread(by("kmeans", digits)) > 2 * spread(by("random", digits))


def test_random_clusters_have_equal_sizes(digits):
    assert max(by("random", digits).sizes) - min(by("random", digits).sizes) <= 1


def test_clusters_by_thickness_hold_one_form_each_and_the_test_all_three(digits):
    found = by("thickness", digits)
    assert found.names == FORMS
    forms = {form: {in_form(image, form).tobytes() for image in digits[0].images} for form in FORMS}
    assert [keys(part) <= forms[form] for part, form in zip(found.train, FORMS, strict=True)] == [True] * 3
    assert np.bincount(found.test_cluster).min() >= len(found.test) // 3
    drawn = [
        in_form(image, FORMS[form]) for image, form in zip(digits[1].images, found.test_cluster, strict=True)
    ]
    assert np.array_equal(np.stack(drawn), found.test.images)


def test_the_table_counts_the_classes_of_each_cluster(digits):
    found = by("kmeans", digits)
    assert found.table.shape == (3, 10)
    assert tuple(found.table.sum(axis=1)) == found.sizes
    assert (
        found.table.loc["cluster 2"].to_list()
        == np.bincount(found.train[1].labels[:, 0], minlength=10).tolist()
    )


@pytest.fixture(scope="module")
def uneven():
    """Clusters of 5 to 60 images, made without any image."""

    def make(sizes):
        test = data.load("digits", "test").sample(10)
        parts = tuple(
            replace(test, labels=np.zeros((n, 1), int), images=np.zeros((n, 2, 2), np.uint8)) for n in sizes
        )
        return ugnn.Clusters(parts, tuple(f"cluster {k}" for k in range(len(sizes))), test, test, "random", 0)

    return make


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(5, 60), min_size=2, max_size=4), st.integers(12, 64), st.integers(1, 3))
def test_an_epoch_uses_every_image_of_every_cluster_once(uneven, sizes, batch_size, epochs):
    found = uneven(sizes)
    steps = list(found.batches(batch_size, epochs))
    assert len(steps) == epochs * -(-max(sizes) // batch_size)
    for model, size in enumerate(sizes):
        seen = np.concatenate([step[model] for step in steps])
        assert np.bincount(seen, minlength=size).tolist() == [epochs] * size
        assert all(0 < len(step[model]) <= batch_size for step in steps)


def test_the_order_of_a_cluster_does_not_depend_on_the_others(uneven, same_batches):
    one, other = (list(uneven(sizes).batches(16, 2, seed=4)) for sizes in ([40, 30], [40, 20]))
    assert same_batches([step[:1] for step in one], [step[:1] for step in other])
    assert not same_batches(one, list(uneven([40, 30]).batches(16, 2, seed=5)))


def test_a_cluster_too_small_for_the_steps_is_refused_by_name(uneven):
    with pytest.raises(
        SettingsError, match=r"cluster 1, has 3 images.*50 steps with 50 images in batches of 1"
    ):
        list(uneven([50, 3]).batches(1, 1))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": "colour"}, "No clusters by 'colour'"),
        ({"models": 1}, "1 models"),
        ({"by": "thickness", "models": 4}, "3 forms and 4 models"),
        ({"fold": 5}, "Fold 5 of 5"),
        ({"folds": 1}, "Fold 0 of 1"),
    ],
)
def test_unusable_settings_are_named(digits, options, said):
    with pytest.raises(SettingsError, match=said):
        ugnn.clusters(*digits, **options)


def test_a_set_without_one_class_an_image_is_refused(digits):
    with pytest.raises(FormatError, match="no images of one size with one class each"):
        ugnn.clusters(data.load("ihc_contents"), digits[1])


def test_the_picture_says_how_many_images_of_each_class_a_cluster_has(digits):
    found = by("kmeans", digits)
    said = found.plot().alt
    assert found.title in said
    assert all(f"{count} {name}" in said for name, count in found.table.loc["cluster 1"].items())
