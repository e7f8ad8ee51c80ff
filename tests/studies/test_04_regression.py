"""Study 04: the published faults are really there, and the tables say what the cells hold."""

import json
import tomllib

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import ShuffleSplit

from teachkit import tabular


@pytest.fixture(scope="module")
def s04(study):
    return study("04_regression")


@pytest.fixture(scope="module")
def published(study):
    return study("_published_regression")


@pytest.fixture
def table():
    """Ninety rows around 14 ± 3.5, as the radii are; the first of six columns says it all."""
    rng = np.random.default_rng(0)
    y = 14 + 3.5 * rng.normal(size=90)
    return np.c_[y, rng.normal(size=(90, 5))], y


@pytest.fixture
def filled(s04, study, tmp_path):
    """A grid with made values for every cell."""
    grid, rng = study("_grid").Grid(tmp_path), np.random.default_rng(0)

    def errors(scale=1.0):
        return {metric: (scale * rng.uniform(0.9, 1.1, 100)).tolist() for metric in ("mae", "rmse", "r2")}

    for lr in s04.RATES:
        for name in ("torch_linear", "torch_mlp"):
            grid.run(f"rate_{name}_{lr:g}", {}, errors)
    for model in map(s04.slug, tabular.models()):
        for variant in s04.VARIANTS:
            grid.run(f"table_{variant}_{model}_0", {}, errors)
        for seed in s04.SEEDS[1:]:
            grid.run(f"table_all_{model}_{seed}", {}, errors)
    for seed in s04.SEEDS:
        grid.run(
            f"noise_{seed}", {}, lambda: {k: {"r2": rng.normal(), "mae": 1.0} for k in ("inside", "outside")}
        )
        for name in s04.RECIPES:
            cell = {"test": rng.uniform(2, 6, 100).tolist(), "kept": [0.2] * 101, "range": 21.0}
            grid.run(f"published_{name}_{seed}", {}, lambda cell=cell: cell)
    grid.run("bands_table", {}, lambda: {"linear_mae": rng.normal(0.044, 0.001, 40).tolist()})
    images(grid, rng)
    return grid


def images(grid, rng):
    labels = {name: rng.integers(50, 900, 60).tolist() for name in ("val", "test")}
    pictures = {name: (np.arange(60) // 12).tolist() for name in labels}
    grid.run("images_truth", {}, lambda: {"labels": labels, "pictures": pictures, "train": labels["val"]})
    for lr in (1e-3, 3e-3, 1e-2):
        grid.run(f"image_rate_{lr:g}", {}, lambda lr=lr: {"mae": 100 + lr})
    for model in ("ruler", "linear", "forest", "squared", "absolute"):
        for seed in range(5):
            noise = np.random.default_rng(0 if model == "ruler" else seed)
            cell = {
                name: {"mae": 40.0, "rmse": 50.0, "r2": 0.9}
                | {"predictions": (np.array(labels[name]) + noise.normal(0, 50, 60)).tolist()}
                for name in labels
            }
            grid.run(f"images_{model}_{seed}", {}, lambda cell=cell: cell)


def test_the_published_list_holds_training_errors_of_the_last_split(published, table):
    found = published.Recipe(carried=True).run(*table, seed=0)
    assert len(found["kept"]) == 101
    assert found["kept"][-1] * found["range"] == pytest.approx(found["test"][-1])
    assert found["kept"][0] * found["range"] != pytest.approx(found["test"][0])
    assert np.std(found["kept"]) < 0.2 * np.std(found["test"]) / found["range"]


def test_the_published_errors_are_in_units_of_the_range_of_the_target(published, table):
    """Errors shrink by the range, about 16 here, for no other reason than the unit."""
    x, y = table
    small, large = (published.Recipe().run(x, scale * y, seed=0) for scale in (1, 1000))
    assert large["kept"] == pytest.approx(small["kept"], rel=1e-3)
    assert large["test"] == pytest.approx([1000 * error for error in small["test"]], rel=1e-3)


def test_carried_weights_learn_from_the_test_rows_of_earlier_splits(published, table):
    carried, fresh = (published.Recipe(lr=1e-3, carried=c).run(*table, seed=0)["test"] for c in (True, False))
    assert np.mean(carried[-10:]) < 0.5 * np.mean(carried[:3])
    assert abs(np.mean(fresh[-10:]) - np.mean(fresh[:10])) < 0.5 * np.mean(fresh)


def test_the_published_rate_hardly_trains_and_a_larger_one_does(published, table):
    x, y = table
    mean_only = np.abs(y - y.mean()).mean()
    weak = published.Recipe().run(x, y, seed=0)["test"]
    strong = published.Recipe(steps=100, lr=0.1).run(x, y, seed=0)["test"]
    assert np.mean(weak) > mean_only
    assert np.mean(strong) < 0.5 * mean_only


def test_splits_are_those_of_all_other_models(published, table):
    x, y = table
    shares = [len(test) / len(y) for _, test in ShuffleSplit(3, test_size=1 / 3, random_state=0).split(x)]
    assert shares == pytest.approx([1 / 3] * 3)
    assert len(published.Recipe(steps=1).run(x, y, seed=0)["test"]) == published.SPLITS == 100


def test_columns_chosen_outside_have_seen_all_rows(s04):
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(size=(40, 200)))
    x.columns = x.columns.map("noise_{}".format)
    y = rng.normal(size=40)
    best = x[s04.columns_of("top5_outside", x, y)]
    assert best.shape[1] == 5
    assert LinearRegression().fit(best, y).score(best, y) > 0.3


def test_no_size_columns_leave_22_and_the_rest_stay(s04, offline):
    x, y = s04.load()
    assert x.shape == (569, 30)
    left = s04.columns_of("no_size", x, y)
    assert len(left) == 22
    assert "diagnosis" in left
    assert set(s04.columns_of("top5_outside", x, y)) == {
        "perimeter_mean", "area_mean", "radius_worst", "perimeter_worst", "area_worst",
    }  # fmt: skip


def test_seeds_that_choose_rates_are_used_nowhere_else(s04, study):
    assert s04.RATE_SEED not in (*s04.SEEDS, *s04.BAND_SEEDS)
    image = study("_image_regression")
    assert image.RATE_SEED not in image.SEEDS


def test_the_packaged_rates_are_those_that_the_study_chose(s04, study, root):
    grid = study("_grid").Grid(root / "studies" / "results" / "04")
    for name, rate in tabular.estimators.RATES.items():
        errors = {lr: next(grid.values([f"rate_{s04.slug(name)}_{lr:g}"]), None) for lr in s04.RATES}
        assert None not in errors.values()
        assert min(errors, key=lambda lr: np.mean(errors[lr]["mae"])) == rate


def test_the_augmentation_leaves_areas_as_they_are(study):
    image = study("_image_regression")
    assert (image.AUGMENT.zoom, image.AUGMENT.rotate, image.AUGMENT.shift) == (0, 0, 0)


def test_tables_hold_every_model_variant_and_loss(s04, filled, study, tmp_path, monkeypatch):
    page = tmp_path / "results.md"
    monkeypatch.setattr(s04, "write_section", lambda key, text: page.write_text(text))
    s04.write_tables(filled)
    text = page.read_text()
    assert "Not computed yet" not in text
    tables, coverage = study("_regression_tables"), study("_conformal_tables")
    for title in (*tables.MODELS.values(), *tables.RECIPES.values(), *coverage.MODELS.values()):
        assert f"| {title}" in text
    for variant in tables.VARIANTS.values():
        assert variant in text
    assert "the same list in µm | 101, of which 100 training | 4.2" in text
    assert "| random forest | 5 |" in text


def test_a_model_without_a_seed_of_its_own_counts_as_one_run(s04, filled):
    text = s04.write_parts(filled)
    assert "| Otsu and watershed, area of the blob | 1 | 40.0 | 50.0 | 0.900 |" in text
    assert "| network, squared error | 5 |" in text


def test_an_empty_grid_says_so(s04, study, tmp_path):
    assert "Not computed yet." in s04.write_parts(study("_grid").Grid(tmp_path))


def test_half_of_the_cells_give_tables_too(s04, filled):
    for path in filled.folder.glob("*_[1-4].json"):
        path.unlink()
    assert "| linear regression | 1 |" in s04.write_parts(filled)


def test_course_file_states_the_bands_of_the_study(study, root):
    course = tomllib.loads((root / "notebooks" / "course.toml").read_text())
    stated = {band["name"]: band for lesson in course["lesson"] for band in lesson.get("bands", [])}
    path = root / "studies" / "results" / "04" / "bands_table.json"
    bands = study("_bands")
    for name, values in json.loads(path.read_text())["values"].items():
        low, high = bands.band(values)
        assert [stated[name]["low"], stated[name]["high"]] == pytest.approx([low, high], rel=0.02)
        assert stated[name]["seeds"] == len(values)
        assert stated[name]["false_alarm"] == bands.FALSE_ALARM


@pytest.mark.real_data
def test_one_run_of_the_image_half_keeps_predictions_for_its_intervals(
    study, real_data, monkeypatch, isolated
):
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    image = study("_image_regression")
    splits = {name: split.sample(24) for name, split in image.load().items()}
    monkeypatch.setitem(image.SETTINGS, "epochs", 1)
    found = image._network(splits, "absolute", 1e-3, 0)
    assert len(found["test"]["predictions"]) == 24
    assert set(found["val"]) == {"mae", "rmse", "r2", "predictions"}
