import numpy as np
import pytest

from teachkit.data.splits import Info, Split
from teachkit.errors import UnfairComparisonError


@pytest.fixture(scope="module")
def s03(study):
    return study("03_segmentation")


@pytest.fixture(scope="module")
def plan(s03, study):
    """The arms of the study."""
    return study("_segmentation_arms")


@pytest.fixture
def pictures():
    """Two pictures of unequal size with two bright nuclei each, which touch in the second."""
    masks = [np.zeros((20, 30), np.int32), np.zeros((24, 16), np.int32)]
    masks[0][2:8, 2:8], masks[0][10:18, 20:28] = 1, 2
    masks[1][4:10, 4:10], masks[1][10:16, 4:10] = 1, 2
    images = [np.repeat((mask > 0)[..., None], 3, axis=2).astype(np.uint8) * 180 + 20 for mask in masks]
    info = Info(
        "n", "N", "segmentation", ("background", "nucleus"), 1, "CC0", True, "", "made up", instances=True
    )
    return Split(images, np.zeros((2, 1), np.int64), info, "test", None, masks=masks)


@pytest.fixture
def filled(s03, plan, study, tmp_path):
    """A grid with made values for every cell."""
    grid = study("_grid").Grid(tmp_path)
    rng = np.random.default_rng(0)

    def values(split="test"):
        found = {score: float(rng.uniform(0.7, 0.9)) for score in (*plan.SCORES, *plan.MORE_SCORES)}
        return {"steps": 96, "parameters": 1000, "epochs": [{"loss": 0.25}], split: found}

    for name in ("baseline_background", "baseline_otsu"):
        grid.run(name, {}, values)
    grid.run("baseline_truth", {}, lambda: {"test": values()["test"] | {"objects": 3, "true_objects": 4}})
    for lr, dice in zip(s03.RATES, (0.7, 0.9, 0.8), strict=True):
        for name in s03.SWEEP_ARMS:
            grid.run(f"sweep_{name}_{lr:g}", {}, lambda dice=dice: {"val": {"dice_picture": dice}})
    for name in s03.arms():
        for seed in s03.SEEDS:
            grid.run(f"main_{name}_{seed}", {}, values)
    score = {"acc": 0.9, "dice": 0.8}
    passes = [{"acc": 0.8991, "dice": 0.7}, {"acc": 0.9012, "dice": 0.9}]
    grid.run("flips", {}, lambda: {"passes": passes, "plain": score, "plain_again": score})
    return grid


def test_each_arm_differs_from_the_base_arm_in_the_setting_under_study_alone(s03):
    for factor, rows in s03.ABLATIONS.items():
        changes = list(rows.values())
        assert changes.count({}) == 1
        assert all(set(change) <= {factor} for change in changes)
        assert len({s03.cell_name(change) for change in changes}) == len(changes)


def test_the_base_arm_is_computed_once_and_serves_every_table(s03):
    assert len(s03.arms()) == 1 + sum(len(rows) - 1 for rows in s03.ABLATIONS.values())
    assert s03.arms()[s03.cell_name({})] == s03.BASE


def test_seeds_of_the_sweep_are_used_nowhere_else(s03):
    assert s03.SWEEP_SEED not in s03.SEEDS


def test_the_rate_is_chosen_by_mean_validation_dice_and_the_smaller_wins_a_tie(s03):
    assert s03.chosen_rate({0.1: {"a": 0.7, "b": 0.9}, 0.01: {"a": 0.81, "b": 0.8}}) == 0.01
    assert s03.chosen_rate({0.1: {"a": 0.8}, 0.01: {"a": 0.8}}) == 0.01


def test_otsu_finds_bright_nuclei_on_dark_ground_and_dark_ones_on_bright(s03, pictures):
    for image, mask in zip(pictures.images, pictures.masks, strict=True):
        np.testing.assert_array_equal(s03.otsu(image), mask > 0)
        np.testing.assert_array_equal(s03.otsu(255 - image), mask > 0)


def test_a_perfect_mask_scores_one_but_counts_touching_nuclei_as_one(s03, plan, pictures):
    perfect = [(mask > 0).astype(np.int64) for mask in pictures.masks]
    found = s03.scores(pictures, perfect)
    assert [found[score] for score in (*plan.SCORES, "dice_picture")] == [1, 1, 1, 1, 1]
    assert (found["objects"], found["true_objects"]) == (3, 4)
    assert found["object_f1"] == pytest.approx(2 * 2 / (3 + 4))  # the merged pair matches neither


def test_background_alone_scores_its_share_in_accuracy_and_nothing_in_dice(s03, pictures):
    found = s03.scores(pictures, [s03.background(image) for image in pictures.images])
    pixels = sum(mask.size for mask in pictures.masks)
    nuclei = sum(int((mask > 0).sum()) for mask in pictures.masks)
    assert found["acc"] == pytest.approx(1 - nuclei / pixels)
    assert found["dice"] == found["iou"] == found["boundary_f"] == 0


def test_one_run_trains_scores_and_says_its_size(s03, plan, pictures, monkeypatch):
    monkeypatch.setattr(s03, "load", lambda split: pictures)
    monkeypatch.setattr(s03, "CROP", 16)
    monkeypatch.setattr(s03, "PER_PICTURE", 4)
    monkeypatch.setattr(s03, "SETTINGS", {"steps": 3, "batch_size": 4})
    arm = s03.BASE | {"depth": 1, "base_width": 2, "loss": "weighted"}
    first, again = (s03.run_one(arm, 0, 1e-3, "val") for _ in range(2))
    assert first["steps"] == 3
    assert set(first["val"]) >= {*plan.SCORES, *plan.MORE_SCORES}
    assert first["val"] == again["val"]
    background, nucleus = first["loss"]["class_weights"]
    assert nucleus > background


def test_tables_hold_every_arm_with_its_interval(s03, filled, tmp_path, monkeypatch):
    page = tmp_path / "results.md"
    monkeypatch.setattr(s03, "write_section", lambda key, text: page.write_text(text))
    s03.write_tables(filled)
    text = page.read_text()
    assert "Not computed yet" not in text
    assert "none 0.250 (0 of 5 runs with Dice 0), batch 0.250" in text
    assert "The 4 test nuclei form 3 connected pieces" in text
    assert "learning rate 0.003" in text  # the middle rate has the best validation Dice
    for rows in s03.ABLATIONS.values():
        assert all(f"| {title} | 5 |" in text for title in rows)
    assert "| none − batch | 5 |" in text
    assert "| depth 3 | 1,000 | 100 pixels |" in text
    assert "| pixel accuracy | 0.9000 | 0.9000 | 0.8991 to 0.9012 |" in text


def test_unequal_steps_stop_the_tables(s03, filled):
    path = filled.folder / f"main_{s03.cell_name({})}_0.json"
    path.write_text(path.read_text().replace('"steps": 96', '"steps": 97'))
    with pytest.raises(UnfairComparisonError, match=r"\[96, 97\]"):
        s03.write_tables(filled)


def test_an_empty_grid_says_so(s03, study, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(s03, "write_section", lambda key, text: written.append(text))
    s03.write_tables(study("_grid").Grid(tmp_path))
    assert written[0].count("Not computed yet.") == 6


@pytest.mark.real_data
def test_the_study_finds_its_sets(s03, real_data, monkeypatch):
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    monkeypatch.delenv("TEACHKIT_OFFLINE", raising=False)
    assert [len(s03.load(split)) for split in ("train", "val", "test")] == [48, 16, 16]


def test_the_page_of_results_holds_what_the_runs_say(study, root):
    grid = study("_grid").Grid(root / "studies" / "results" / "03")
    assert study("_segmentation_tables").section(grid) in (root / "docs" / "results.md").read_text()
