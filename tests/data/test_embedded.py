"""Embedded sets: real pictures, honest splits, stated rules, the same bytes everywhere."""

import hashlib
import inspect
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from teachkit.data import embedded, registry
from teachkit.data.embedded import building, fundus, ihc, pictures, windows
from teachkit.data.splits import SPLITS, TASKS, Split
from teachkit.errors import (
    ChecksumError,
    DataError,
    MissingExtraError,
    SettingsError,
    TeachkitWarning,
    UnknownNameError,
)

SETS = [(name, size) for name in embedded.names() for size in registry.entry(name).sizes or (28,)]
CUT = [(name, size) for name, size in SETS if name.startswith(("ihc", "fundus"))]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One cache for this file, so that every set is built once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEACHKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def digest(splits: dict[str, Split]) -> str:
    """One hash over everything a set consists of."""
    made = hashlib.sha256()
    for split in splits.values():
        for value in (split.images, split.labels, split.masks, split.groups):
            made.update(b"none" if value is None else value.tobytes() + str(value.dtype).encode())
        if split.table is not None:
            made.update(split.table.to_csv().encode())
    return made.hexdigest()


def test_registry_and_recipes_name_the_same_sets() -> None:
    assert set(embedded.names()) == {name for name, entry in registry.entries().items() if entry.embedded}


def test_every_task_kind_has_an_embedded_set() -> None:
    assert {registry.entry(name).task for name in embedded.names()} == set(TASKS)
    pictures_for = {registry.entry(n).task for n in embedded.names() if registry.entry(n).channels}
    assert pictures_for == set(TASKS)


@pytest.mark.parametrize("name", embedded.names())
def test_the_stated_rule_is_the_docstring_of_the_recipe(name: str) -> None:
    text = " ".join(inspect.getdoc(building.RECIPES[name][0]).split())
    rule = registry.entry(name).rule
    assert rule
    assert f"Rule: {rule}" in text


@pytest.mark.parametrize(("name", "size"), SETS)
def test_splits_agree_with_the_registry(name: str, size: int) -> None:
    entry = registry.entry(name)
    for split, part in embedded.build(name, size).items():
        assert part.info == entry.info("embedded")
        assert part.channels == entry.channels
        assert len(part) == entry.counts.get(split, len(part)) > 0
        assert part.labels.dtype == (np.float32 if entry.task == "regression" else np.int64)
        if entry.channels:
            assert part.images.dtype == np.uint8
            assert part.images.shape[1:3] == (size, size)
        if entry.task not in ("regression", "segmentation"):
            assert part.labels.min() == 0
            assert part.labels.max() == (1 if entry.task == "multi-label" else len(entry.classes) - 1)


def painted(name: str, size: int) -> dict[str, np.ndarray]:
    """For each split a boolean picture of the source pixels that its windows touch."""
    shape = (ihc.slide() if name.startswith("ihc") else fundus.picture()).shape[:2]
    touched = {split: np.zeros(shape, bool) for split in SPLITS}
    for split, part in embedded.build(name, size).items():
        for row, column, edge in part.table.to_numpy():
            touched[split][row : row + edge, column : column + edge] = True
    return touched


@pytest.mark.parametrize("source", ["ihc", "fundus"])
def test_no_pixel_of_a_picture_is_in_two_splits_of_any_of_its_sets(source: str) -> None:
    """Sets of one picture may be pooled: their splits are disjoint together, not only one by one."""
    pooled = dict.fromkeys(SPLITS, False)
    for name, size in CUT:
        if name.startswith(source):
            pooled = {s: pooled[s] | touched for s, touched in painted(name, size).items()}
    assert all(pooled[split].any() for split in SPLITS)
    assert (sum(pooled[split].astype(int) for split in SPLITS) <= 1).all()


@pytest.mark.parametrize(("name", "size"), [("ihc_patches", 28), ("ihc_masks", 64), ("fundus_grades", 64)])
def test_the_stated_windows_are_where_the_pixels_come_from(name: str, size: int) -> None:
    source = ihc.slide() if name.startswith("ihc") else fundus.picture()
    for part in embedded.build(name, size).values():
        for image, (row, column, edge) in zip(part.images, part.table.to_numpy(), strict=True):
            assert (source[row : row + edge, column : column + edge] == image).all()


def details(images: np.ndarray, step: int) -> set[bytes]:
    """All 8 × 8 pieces with some texture, `step` pixels apart: what overlapping windows have in common."""
    pieces = np.lib.stride_tricks.sliding_window_view(images, (8, 8), axis=(1, 2))[:, ::step, ::step]
    pieces = pieces.reshape(-1, 64)
    return {piece.tobytes() for piece in pieces[pieces.std(axis=1) > 6]}


def test_pixels_alone_show_that_splits_do_not_overlap() -> None:
    """Knows nothing of coordinates. The first claim proves that it would notice."""
    parts = embedded.build("ihc_patches")
    train = details(parts["train"].images[::2, ..., 0], 1)
    assert len(train & details(parts["train"].images[1::2, ..., 0], 3)) > 1000
    for other in ("val", "test"):
        found = details(parts[other].images[..., 0], 3)
        assert len(found) > 1000
        assert not train & found


def test_builds_in_fresh_processes_are_identical(tmp_path: Path) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from test_embedded import digest, embedded\n"
        "print(*(digest(embedded.build(name)) for name in embedded.names()))"
    )
    started = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "TEACHKIT_CACHE": str(tmp_path / seed)}
        command = [sys.executable, "-c", script, str(Path(__file__).parent)]
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
    seen = [process.communicate()[0].split() for process in started]
    here = [digest(embedded.build(name)) for name in embedded.names()]  # from the cache, in part
    assert seen[0] == seen[1] == here


@pytest.mark.parametrize("name", ["ihc_masks", "wisconsin", "fundus_grades"])
def test_what_comes_from_the_cache_equals_what_was_built(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEACHKIT_CACHE", str(tmp_path))
    built = embedded.build(name)
    monkeypatch.setitem(building.RECIPES, name, (None, building.RECIPES[name][1]))  # cannot be built again
    assert digest(embedded.build(name)) == digest(built)


def test_a_damaged_cache_is_built_again_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEACHKIT_CACHE", str(tmp_path))
    good = digest(embedded.build("digits"))
    (file,) = tmp_path.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.warns(TeachkitWarning, match="built again"):
        assert digest(embedded.build("digits")) == good
    assert digest(embedded.build("digits")) == good


def test_a_cache_that_cannot_be_written_is_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TEACHKIT_CACHE", str(tmp_path / "file"))
    with pytest.warns(TeachkitWarning, match="could not be kept"):
        assert len(embedded.build("wisconsin")["train"]) == 341


def test_a_changed_dependency_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, origin = building.RECIPES["ihc_patches"]
    other = replace(origin, sha256="0" * 64)
    monkeypatch.setitem(building.RECIPES, "ihc_patches", (recipe, other))
    with pytest.raises(ChecksumError, match=rf"{origin.sha256}.*expected {'0' * 64}.*requirements\.lock"):
        embedded.build("ihc_patches")


def test_a_file_that_is_shipped_no_more_is_named() -> None:
    with pytest.raises(DataError, match=r"ships no 'data/gone\.png'.*requirements\.lock"):
        pictures.Origin("skimage", "data/gone.png", "").path()


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(MissingExtraError, match=r"teachkit\[lessons\]"):
        pictures.SLIDE.path()


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'ihc_patches'"):
        embedded.build("ihc_patch")


def test_an_unknown_size_gets_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="Known sizes: 28, 64, 128"):
        embedded.build("ihc_masks", 100)


@pytest.mark.parametrize("name", [name for name, size in CUT if size == 28])
def test_titles_say_that_one_picture_is_one_case(name: str) -> None:
    note = "n = 1 slide" if name.startswith("ihc") else "n = 1 eye"
    assert note in embedded.build(name)["test"].title


def test_smoke_set_of_lesson_01_is_balanced_and_neither_trivial_nor_hopeless() -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score

    parts = embedded.build("ihc_patches")
    assert all(0.3 < part.labels.mean() < 0.7 for part in parts.values())
    flat = {split: part.images.reshape(len(part), -1) for split, part in parts.items()}
    forest = RandomForestClassifier(100, random_state=0).fit(flat["train"], parts["train"].labels[:, 0])
    auc = roc_auc_score(parts["test"].labels[:, 0], forest.predict_proba(flat["test"])[:, 1])
    assert 0.8 < auc < 0.99


def test_crowded_patches_are_those_with_more_than_17_percent_nuclei() -> None:
    for split in SPLITS:
        area = embedded.build("ihc_nuclei")[split]
        label = embedded.build("ihc_patches")[split]
        assert (area.images == label.images).all()
        assert ((area.labels > 17) == label.labels).all()


def test_contents_follow_from_the_masks() -> None:
    """The 128-pixel tiles put the slide together again; shares counted there give the labels."""
    classes = np.full((512, 512), 255, np.uint8)
    for part in embedded.build("ihc_masks", 128).values():
        for mask, (row, column, edge) in zip(part.masks, part.table.to_numpy(), strict=True):
            classes[row : row + edge, column : column + edge] = mask
    assert set(np.unique(classes)) == {0, 1, 2, 3}
    part = embedded.build("ihc_contents")["test"]
    for label, (row, column, edge) in zip(part.labels, part.table.to_numpy(), strict=True):
        counts = np.bincount(classes[row : row + edge, column : column + edge].ravel(), minlength=4)
        assert (label == (counts >= 0.1 * 28 * 28)).all()


def test_colours_are_what_the_pixel_classes_say() -> None:
    """Stained pixels are brown (red above blue), stromal nuclei blue, pale pixels bright."""
    red, _, blue = np.moveaxis(ihc.slide().astype(int), 2, 0)
    classes = ihc.pixel_classes()
    mean = [((red - blue)[classes == k].mean(), ihc.slide()[classes == k].mean()) for k in range(4)]
    assert mean[ihc.STAINED][0] > 40
    assert mean[ihc.GLAND_NUCLEUS][0] < mean[ihc.STAINED][0] - 15
    assert mean[ihc.STROMAL_NUCLEUS][0] < -10
    assert mean[ihc.PALE][1] > 190


def test_small_fields_are_the_large_ones_averaged() -> None:
    small, large = (embedded.build("fundus_vessels", size)["test"] for size in (28, 64))
    assert (small.labels == large.labels).all()
    assert np.allclose(small.images.mean(axis=(1, 2)), large.images.mean(axis=(1, 2)), atol=1)


def test_vessels_are_darker_than_the_middle_of_fields_without() -> None:
    part = embedded.build("fundus_vessels", 64)["train"]
    middle = part.images[:, 24:40, 24:40].astype(float)
    dip = np.median(part.images, axis=(1, 2)) - middle.min(axis=(1, 2))
    assert np.median(dip[part.labels[:, 0] == 1]) > 2 * np.median(dip[part.labels[:, 0] == 0])


def test_digits_are_those_of_scikit_learn_and_no_more_detailed() -> None:
    from sklearn.datasets import load_digits

    source = load_digits()
    parts = embedded.build("digits")
    assert (
        sum(np.bincount(part.labels[:, 0]) for part in parts.values()).tolist()
        == np.bincount(source.target).tolist()
    )
    small = np.concatenate([windows.shrink(part.images, 8) for part in parts.values()])
    labels = np.concatenate([part.labels[:, 0] for part in parts.values()])
    for digit in range(10):
        mean = source.images[source.target == digit].mean(axis=0)
        assert np.corrcoef(small[labels == digit].mean(axis=0).ravel(), mean.ravel())[0, 1] > 0.98


def test_no_digit_is_in_two_splits() -> None:
    seen = [{image.tobytes() for image in part.images} for part in embedded.build("digits").values()]
    assert len(set.union(*seen)) == sum(map(len, seen))


def test_wisconsin_table_is_that_of_scikit_learn() -> None:
    from sklearn.datasets import load_breast_cancer

    source = load_breast_cancer()
    parts = embedded.build("wisconsin")
    radius = np.concatenate([part.labels[:, 0] for part in parts.values()])
    assert np.allclose(np.sort(radius), np.sort(source.data[:, 0]))
    assert (radius.min().round(2), radius.max().round(2)) == (6.98, 28.11)
    assert np.isclose(radius.mean(), 14.13, atol=0.01)
    assert sum(part.table["diagnosis"].sum() for part in parts.values()) == 212  # malignant
    perimeter = np.concatenate([part.table["perimeter_mean"] for part in parts.values()])
    assert np.isclose(np.corrcoef(radius, perimeter)[0, 1], 0.998, atol=5e-4)
    assert all(part.table.shape[1] == 30 and "radius_mean" not in part.table for part in parts.values())
    assert parts["train"].info.unit == "µm"
