import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from teachkit.data.splits import Info, Split
from teachkit.errors import SettingsError
from teachkit.hyperinit import HyperInitializer, references

CHOICE = {"pretext": "simclr", "families": "three", "steps": 1_000}


@pytest.fixture(scope="module")
def s07(study):
    return study("07_hyperinit")


@pytest.fixture(scope="module")
def of(s07):
    """The modules of the study, as the study itself sees them."""
    import _hyperinit_arms
    import _hyperinit_choice
    import _hyperinit_cost
    import _hyperinit_down
    import _hyperinit_down_tables
    import _hyperinit_exam
    import _hyperinit_found
    import _hyperinit_tables
    import _hyperinit_training

    return SimpleNamespace(
        arms=_hyperinit_arms,
        choice=_hyperinit_choice,
        cost=_hyperinit_cost,
        down=_hyperinit_down,
        down_tables=_hyperinit_down_tables,
        exam=_hyperinit_exam,
        found=_hyperinit_found,
        tables=_hyperinit_tables,
        training=_hyperinit_training,
    )


@pytest.fixture
def grid(study, tmp_path):
    return study("_grid").Grid(tmp_path / "cells")


@pytest.fixture
def films():
    """Ninety pictures of 28 pixels that are bright at the top, some with a spot; parts by name."""
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 2
    images = rng.integers(0, 60, (90, 28, 28), dtype=np.uint8)
    images[:, :8] += 150
    images[labels == 1, 14:18, 14:18] += 120
    info = Info("films", "Films", "binary", ("no", "spot"), 1, "CC0-1.0", True, "", "made in the test")
    whole = Split(images, labels.reshape(-1, 1), info, "train", 28)
    return {"train": whole[:50], "val": whole[50:70], "test": whole[70:]}


@pytest.fixture
def on_films(of, films, monkeypatch, tmp_path):
    """The study on these pictures, with weights in a folder of the test; names what it has loaded."""
    loaded = []

    def pictures(name, part):
        loaded.append((name, part))
        return films[part]

    for module in (of.training, of.choice, of.down, of.exam, of.cost):
        monkeypatch.setattr(module, "pictures", pictures)
    monkeypatch.setattr(of.training, "WEIGHTS", tmp_path / "weights")
    return loaded


def write(grid, name, values, settings=None):
    grid.folder.mkdir(exist_ok=True)
    whole = {"settings": settings or {}, "values": values, "versions": {"teachkit": "0.1.0"}}
    (grid.folder / f"{name}.json").write_text(json.dumps(whole))


def fill_probes(grid, of, gain):
    """Every candidate of the choice and every start without pre-training, each at .8 plus `gain(recipe)`."""

    def auc(value):
        spread = np.linspace(-0.01, 0.01, of.choice.DRAWS)
        return {"auc": {name: list(value + spread) for name in of.choice.NETWORKS}}

    for seed in of.choice.CHOICE_SEEDS:
        for recipe in of.arms.isolate_recipes([seed]):
            write(grid, of.choice.probe_name(recipe), auc(0.8 + gain(recipe)), recipe.settings)
            write(grid, recipe.name, {"losses": [1.3, 0.5]}, recipe.settings)
        for start in ("kaiming", "untrained"):
            write(grid, of.choice.plain_name(start, seed), auc(0.8))


def fill_down(grid, of, gain):
    """Every downstream cell: a score that set, network and draw decide, plus `gain(cell, way)`."""
    for cell in of.down.down_cells(CHOICE):
        rng = np.random.default_rng([cell.draw, *map(ord, cell.data + cell.network)])
        base = round(float(rng.uniform(0.6, 0.7)), 4)
        values = {"own_seconds": None, "probe": dict.fromkeys(of.down.KEPT, base + gain(cell, "probe"))}
        values["by_rate"] = {f"{rate:g}": 0.5 + (rate == 0.1) / 10 for rate in of.down.RATES}
        values["test"] = {
            f"{rate:g}": {
                str(epoch): dict.fromkeys(of.down.KEPT, base + gain(cell, "tuned") + (rate == 0.3))
                for epoch in of.down.EPOCHS
            }
            for rate in of.down.RATES
        }
        write(grid, cell.name, values, cell.settings)


def test_cells_have_names_of_their_own_and_come_seed_by_seed(of):
    recipes = [*of.arms.isolate_recipes(), *of.arms.proof_recipes()]
    assert len({recipe.name for recipe in recipes}) == len(set(recipes))
    seeds = [recipe.seed for recipe in of.arms.isolate_recipes()]
    assert seeds == sorted(seeds)
    cells = list(of.down.down_cells(CHOICE))
    assert len({cell.name for cell in cells}) == len(cells)
    draws = [cell.draw for cell in cells]
    assert draws == sorted(draws)


def test_other_settings_are_other_weights(of):
    recipe = of.arms.Recipe("digits", "rotation", "three", 250, 0)
    others = [
        replace(recipe, **change)
        for change in ({"data": "films"}, {"pretext": "simclr"}, {"families": "six"}, {"seed": 1})
    ]
    assert len({of.training.weights_of(each) for each in (recipe, *others)}) == 5


def test_no_family_of_the_reference_outside_is_drawn_but_in_all_seven(of):
    family = references()[of.arms.OUTSIDE].family
    assert [name for name, members in of.arms.FAMILIES.items() if family in members] == ["seven"]


def test_pretraining_sees_training_pictures_and_asks_validation_pictures(of, grid, on_films):
    recipe = of.arms.Recipe("films", "rotation", "basic", 2, 0)
    of.training.trained(grid, recipe)
    assert set(on_films) == {("films", "train"), ("films", "val")}
    values = grid.read(recipe.name)["values"]
    assert {row["step"] for row in values["unseen"]} == {0, 2}
    assert len(values["losses"]) == 1


def test_lost_weights_are_trained_again_to_the_same_numbers(of, grid, on_films):
    recipe = of.arms.Recipe("films", "rotation", "basic", 2, 0)
    first = of.training.trained(grid, recipe).state_dict()
    of.training.weights_of(recipe).unlink()
    again = of.training.trained(grid, recipe).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert list(of.training.WEIGHTS.glob("*.ckpt")) == []


def test_losses_are_kept_as_means_without_lost_steps(of):
    values = [2.0] * of.training.KEPT + [1.0, float("nan"), 3.0]
    assert of.training.thinned(values) == [2.0, 2.0]


def test_the_mean_image_knows_up_where_there_is_one(of, films):
    found = of.exam.mean_scores(films["train"], films["test"])
    assert found["accuracy"] == found["axis"] == 1
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (400, 28, 28), dtype=np.uint8)
    nowhere = Split(noise, np.arange(400).reshape(-1, 1) % 2, films["test"].info, "test", 28)
    found = of.exam.mean_scores(nowhere[:200], nowhere[200:])
    assert found["accuracy"] == pytest.approx(0.25, abs=0.08)
    assert found["axis"] == pytest.approx(0.5, abs=0.1)


def test_turn_scores_are_those_of_the_package(of, films, monkeypatch):
    from teachkit.hyperinit import pretext_scores
    from teachkit.hyperinit.pretext import Rotation

    known = {"resnet8": references()["resnet8"]}
    monkeypatch.setattr(of.exam, "references", lambda: known)
    initializer = HyperInitializer(seed=0)
    initializer.grow_head(4)
    ours = of.exam.turn_scores(initializer, films["test"])["resnet8"]
    theirs = pretext_scores(initializer, known, films["test"], Rotation(zoom=(1, 1)))["resnet8"]
    assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
    assert ours["accuracy"] == pytest.approx(theirs["accuracy"])
    assert ours["accuracy"] == pytest.approx(ours["axis"] * ours["direction"])


def test_the_best_on_validation_is_chosen_and_test_scores_are_not_read(of, grid):
    def gain(recipe):
        return 0.05 * (recipe.pretext == "simclr" and recipe.families == "three" and recipe.steps == 1_000)

    fill_probes(grid, of, gain)
    assert asdict(of.choice.choose(grid)) == CHOICE
    for cell in of.down.down_cells(CHOICE):
        write(grid, cell.name, {"probe": None, "by_rate": None, "test": "poison"})
    assert asdict(of.choice.choose(grid)) == CHOICE
    assert of.choice.chosen(grid) == of.choice.Choice(**CHOICE)


def test_nothing_is_chosen_from_a_part_of_the_probes(of, grid):
    fill_probes(grid, of, lambda recipe: 0)
    last = list(of.arms.isolate_recipes(of.choice.CHOICE_SEEDS, of.choice.CHOICE_STEPS))[-1]
    (grid.folder / f"{of.choice.probe_name(last)}.json").unlink()
    with pytest.raises(SettingsError, match="Not all probes"):
        of.choice.choose(grid)


def test_tasks_with_few_labels_wait_for_the_choice(s07, grid):
    with pytest.raises(SettingsError, match="No pre-training was chosen"):
        s07.run_down(grid)


def test_starts_differ_in_the_start_and_what_lies_behind_it(of):
    cells = [c for c in of.down.down_cells(CHOICE, ["resnet14"], [0]) if c.data == "breastmnist"]
    assert {cell.start for cell in cells} == {*of.down.QUICK, *of.down.OWN}
    own = ("start", "pretext", "families", "steps", "hyper_seed")
    shared = [{k: v for k, v in cell.settings.items() if k not in own} for cell in cells]
    assert all(each == shared[0] for each in shared)


def test_starts_of_a_draw_share_last_layer_and_labelled_pictures(of, grid, on_films, films, monkeypatch):
    fresh = HyperInitializer(seed=3)
    monkeypatch.setattr(of.down, "trained", lambda grid, recipe: fresh)
    monkeypatch.setattr(of.down, "OWN_STEPS", 1)
    networks = {}
    for cell in of.down.down_cells(CHOICE, ["resnet14"], [0]):
        if cell.data == "breastmnist":
            networks[cell.start], _ = of.down.begin(cell, grid)
    heads = [network.head.weight for network in networks.values()]
    assert all(torch.equal(head, heads[0]) for head in heads)
    bodies = {start: next(network.parameters()) for start, network in networks.items()}
    assert torch.equal(bodies["chosen"], bodies["published"])
    assert not torch.equal(bodies["chosen"], bodies["kaiming"])
    assert torch.equal(bodies["shuffled"].flatten().sort()[0], bodies["chosen"].flatten().sort()[0])


def test_a_downstream_cell_is_the_same_again(of, grid, on_films, monkeypatch):
    monkeypatch.setattr(of.down, "EPOCHS", (1,))
    cell = of.down.Cell("films", "resnet8", "kaiming", 0, None, None, None, labels=5, rates=(0.03,))
    first = of.down.run_cell(cell, grid)
    assert first == of.down.run_cell(cell, grid)
    assert set(first["test"]["0.03"]["1"]) == set(of.down.KEPT)
    assert set(first["by_rate"]) == {"0.03"}


def test_the_rate_follows_validation_whatever_the_test_says(of, grid):
    fill_down(grid, of, lambda cell, way: 0)
    found = of.found.Found(grid)
    assert found.rate("retinamnist", "vgg6", "chosen") == 0.1
    assert max(found.tuned("retinamnist", "vgg6", "chosen").values()) < 0.8  # rate .3 would add 1


def test_tables_hold_what_the_cells_say(of, grid):
    fill_down(grid, of, lambda cell, way: 0.02 * (cell.start == "chosen") - 0.01 * (way == "tuned"))
    text = of.down_tables.differences(of.found.Found(grid))
    places = len(of.down.NETWORKS) * len(of.down.DATA)
    assert f"- chosen − Kaiming: Of {places} intervals {places} lie wholly above 0 and 0 wholly below" in text
    assert text.count("+0.020 [+0.020, +0.020]") == 2 * (places + len(of.down.NETWORKS)) * 3
    assert "- own, rotation − Kaiming: Of 9 intervals 0 lie wholly above 0 and 0 wholly below" in text


def test_a_summary_tells_the_means_over_sets_that_the_table_holds(of, grid):
    rng = np.random.default_rng(0)
    fill_down(grid, of, lambda cell, way: 0.1 * float(rng.normal()))
    found = of.found.Found(grid)
    import _hyperinit_summary

    text, table = _hyperinit_summary.summary(found), of.down_tables.differences(found)
    for network in of.down.NETWORKS:
        said = str(of.down_tables.over_sets(found, network, "chosen", "kaiming", "probe"))
        assert f"{network} {said}" in text
        assert f"| Mean of the sets, {network} | {said} |" in table


def test_differences_are_taken_over_the_draws_that_both_have(of):
    gap = of.found.difference({0: 0.5, 1: 0.7, 2: 0.9}, {0: 0.4, 2: 0.6})
    assert gap.runs == 2
    assert gap.interval.value == pytest.approx(0.2)
    assert str(gap).endswith("(draws: 2)")
    assert of.found.difference({0: 1.0}, {1: 1.0}) is None


def test_the_chosen_row_is_marked(of, grid):
    fill_probes(grid, of, lambda recipe: 0.05 * (recipe.families == "seven" and recipe.pretext == "simclr"))
    of.choice.choose(grid)
    rows = [line for line in of.tables.isolated(of.found.Found(grid)).splitlines() if "**chosen**" in line]
    assert len(rows) == 1
    assert rows[0].startswith("| simclr, seven, 1,000 steps **chosen** | 0.500 |")
    assert rows[0].endswith("+0.050 [+0.050, +0.050] |")


def test_break_even_is_the_first_number_of_networks_that_pays(of):
    values = {"own_step": 0.5, "graph": 1.0, "predict": 4.0}
    assert of.cost.break_even(100, values, 20) == 20  # 10 s each against 5 s each
    assert of.cost.break_even(101, values, 20) == 21
    assert of.cost.break_even(100, values, 10) == float("inf")


def test_an_empty_grid_says_so(s07, grid, monkeypatch):
    written = []
    monkeypatch.setattr(s07, "write_section", lambda key, text: written.append(text))
    s07.write_tables(grid)
    assert "Not computed yet." in written[0]
    assert "not chosen yet" in written[0]


def test_the_page_of_results_holds_what_the_runs_say(study, of, root):
    grid = study("_grid").Grid(root / "studies" / "results" / "07")
    assert of.tables.section(grid) in (root / "docs" / "results.md").read_text()
