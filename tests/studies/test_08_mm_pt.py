import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from teachkit import data
from teachkit.data.splits import Info, Split
from teachkit.errors import SettingsError
from teachkit.mmpt.normalisation import domain_layers


@pytest.fixture(scope="module")
def s08(study):
    return study("08_mm_pt")


@pytest.fixture(scope="module")
def of(s08):
    """The modules of the study, as the study itself sees them."""
    import _mmpt_arms
    import _mmpt_choice
    import _mmpt_control_tables
    import _mmpt_found
    import _mmpt_luck
    import _mmpt_repair_tables
    import _mmpt_runs
    import _mmpt_tables

    return SimpleNamespace(
        arms=_mmpt_arms,
        choice=_mmpt_choice,
        control_tables=_mmpt_control_tables,
        found=_mmpt_found,
        luck=_mmpt_luck,
        repair_tables=_mmpt_repair_tables,
        runs=_mmpt_runs,
        tables=_mmpt_tables,
    )


@pytest.fixture
def grid(study, tmp_path):
    return study("_grid").Grid(tmp_path / "cells")


@pytest.fixture
def films(of, monkeypatch):
    """Each domain as 24 pictures of 8 pixels, each brighter than the one before; names what was asked."""
    asked = []

    def pictures(name, part):
        asked.append((name, part))
        place = of.arms.DOMAINS.index(name)
        rng = np.random.default_rng(place)
        labels = np.arange(24).reshape(-1, 1) % 2
        shape = (24, 8, 8, 3) if name == "ihc_contents" else (24, 8, 8)
        images = rng.integers(0, 60, shape, dtype=np.uint8) + np.uint8(40 * place)
        images[labels[:, 0] == 1, 2:5] += 30
        info = Info(name, name, "binary", ("no", "yes"), 1, "CC0-1.0", True, "", "made in the test")
        return Split(images, labels, info, part, 8)

    for module in (of.arms, of.runs):
        monkeypatch.setattr(module, "pictures", pictures)
    return asked


def write(grid, name, values):
    grid.folder.mkdir(exist_ok=True)
    whole = {"settings": {}, "values": values, "versions": {"teachkit": "0.1.0"}}
    (grid.folder / f"{name}.json").write_text(json.dumps(whole))


def scores(of, value):
    return {domain: dict.fromkeys(of.runs.KEPT, value) for domain in of.arms.DOMAINS}


def fill(grid, of, gain):
    """Every cell: what its seed decides, plus `gain(arm, rule)`."""
    runs = [*of.arms.core_runs(1e-3), *of.arms.vit_runs(1e-3), *of.arms.control_runs(1e-3)]
    for run in [*runs, *of.arms.long_runs(1e-3, 100)]:
        arm = run.name.split("_")[0]
        base = 0.6 + 0.01 * run.seed
        rules = of.arms.ARMS[arm].rules if arm in of.arms.ARMS else ("everyone",)
        own = {rule: scores(of, base + gain(arm, rule)) for rule in rules}
        passes = of.arms.EPOCHS * (len(of.arms.DOMAINS) if arm == "sequential" else 1)
        number = dict.fromkeys(of.arms.DOMAINS, 0.2)
        write(
            grid,
            run.name,
            {
                "steps": 100,
                "idle_change": 0.0 if arm == "shared" else 0.5,
                "val": {d: {"auc": [0.5] * passes, "loss": [2.0, *[3.0] * (passes - 1)]} for d in number},
                "val_everyone": scores(of, 0.5),
                "test": own,
                "train": own,
                "train_mode": number,
                "distance": {domain: float(place) for place, domain in enumerate(number)},
                "weight": number,
            },
        )


def test_cells_have_names_of_their_own_and_come_seed_by_seed(of):
    runs = [*of.arms.core_runs(1e-3), *of.arms.vit_runs(1e-3), *of.arms.control_runs(1e-3)]
    runs += of.arms.long_runs(1e-3, 100)
    assert len({run.name for run in runs}) == len(runs)
    for part in (of.arms.core_runs(1e-3), of.arms.control_runs(1e-3), of.arms.long_runs(1e-3, 9)):
        seeds = [run.seed for run in part]
        assert seeds == sorted(seeds)


def test_arms_differ_from_the_published_one_in_one_setting(of):
    published = of.arms.ARMS["shared"]
    for name in ("mixed", "domain", "group", "vit", "zeroed"):
        arm = of.arms.ARMS[name]
        assert sum(a != b for a, b in zip(vars(arm).values(), vars(published).values(), strict=True)) == 1


def test_every_domain_comes_last_once(of):
    assert {of.arms.order_of(seed)[-1] for seed in of.arms.SEEDS} == set(of.arms.DOMAINS)


def test_alone_and_together_a_seed_starts_from_the_same_numbers(of, films):
    still = 1e-30  # a rate that changes nothing but zeros
    together = of.runs.trained(of.arms.Run("shared", 3, still, epochs=1)).net.backbone
    alone = of.runs.trained(of.arms.Run("alone", 3, still, ("retinamnist",), epochs=1)).net.backbone
    other = of.runs.trained(of.arms.Run("alone", 4, still, ("retinamnist",), epochs=1)).net.backbone
    first = dict(together.named_parameters())
    assert all(torch.allclose(first[name], value, 0, 1e-20) for name, value in alone.named_parameters())
    assert not all(torch.allclose(first[name], value, 0, 1e-3) for name, value in other.named_parameters())


def test_the_choice_sees_no_test_picture(of, grid, films, monkeypatch):
    monkeypatch.setattr(of.choice, "RATES", (1e-3,))
    of.choice.run_choice(grid, ("mixed",))
    assert {part for _, part in films} == {"train", "val"}


def test_the_rate_follows_validation(of, grid):
    for rate, auc in zip(of.choice.RATES, (0.6, 0.7), strict=True):
        told = dict.fromkeys(of.arms.DOMAINS, auc)
        opposite = dict.fromkeys(of.arms.DOMAINS, 1 - auc)
        write(grid, of.choice.name_of("shared", rate), {"everyone": opposite, "domain": told})
        write(grid, of.choice.name_of("mixed", rate), {"everyone": told})
        write(grid, of.choice.name_of("vit", rate), {"everyone": opposite})
    assert of.choice.chosen(grid) == of.choice.RATES[1]
    assert of.choice.chosen(grid, of.choice.TRANSFORMER) == of.choice.RATES[0]


def test_runs_wait_for_the_choice(s08, grid):
    with pytest.raises(SettingsError, match="Not all rates"):
        s08.run_core(grid)


def test_without_statistics_training_and_use_are_one_function(of, films):
    run = of.arms.Run("group", 0, 1e-2, epochs=1)
    model = of.runs.trained(run)
    losses = of.runs.train_mode_losses(model, run)
    for name, loss in losses.items():
        assert loss == pytest.approx(model.evaluate(of.runs.pictures(name, "train"))["loss"], rel=1e-4)


def test_asking_in_training_mode_leaves_the_network_as_it_was(of, films):
    run = of.arms.Run("shared", 0, 1e-2, epochs=1)
    model = of.runs.trained(run)
    before = {name: value.clone() for name, value in model.net.state_dict().items()}
    of.runs.train_mode_losses(model, run)
    assert all(torch.equal(before[name], value) for name, value in model.net.state_dict().items())


def test_a_network_that_sees_one_domain_lies_near_its_statistics(of, films):
    run = of.arms.Run("shared", 0, 1e-3, epochs=8)
    model = of.runs.trained(run)
    far = of.runs.distances(model)
    for layer in domain_layers(model.net):
        layer.running_mean.copy_(layer.domain_mean[1])
        layer.running_var.copy_(layer.domain_var[1])
    near = of.runs.distances(model)
    name = of.arms.DOMAINS[1]
    assert near[name] == 0 < far[name]


def test_shares_in_the_running_average_are_those_of_the_batches(of, films):
    run = of.arms.Run("shared", 5, 1e-3, epochs=2)
    model = of.runs.trained(run)
    shares = of.runs.weights_in_average(model, run)
    assert sum(shares.values()) == pytest.approx(1 - 0.9**model.history.steps, abs=1e-4)
    last = max(shares, key=lambda name: shares[name])
    counts = [24] * len(of.arms.DOMAINS)
    drawn = of.runs.mmpt.Sampler(counts, "homogeneous", of.arms.BATCH, 5).batches(1)
    assert last == of.arms.DOMAINS[drawn[-1].domains[0]]


def test_a_cell_holds_what_the_network_says_of_test_pictures(of, films):
    run = of.arms.Run("shared", 0, 1e-2, epochs=1)
    values = of.runs.measured(run)
    again = of.runs.measured(run)
    assert values == again
    model = of.runs.trained(run)
    name = of.arms.DOMAINS[2]
    expected = model.evaluate(of.runs.pictures(name, "test"), statistics="domain")
    assert values["test"]["domain"][name]["auc"] == pytest.approx(expected["auc"])
    assert values["idle_change"] == 0


def test_heads_with_a_gradient_of_zero_move(of, films):
    assert of.runs.measured(of.arms.Run("zeroed", 0, 1e-2, epochs=1))["idle_change"] > 0


def test_the_best_of_one_model_is_not_too_high_and_that_of_fifty_is(of):
    found = of.luck.rises(156, 0.5, repeats=40)
    for score in of.luck.KEPT:
        means = [found[score][str(models)][0] for models in of.luck.MODELS]
        assert abs(means[0]) < 0.02
        assert means == sorted(means)
        assert means[-1] > 0.02


def test_models_that_say_the_same_gain_nothing_from_numbers(of):
    rng = np.random.default_rng(0)
    told = of.luck.one_test_set(np.arange(100) % 2, 1.0, rng)
    assert np.ptp(told[:, 0]) < 1e-9


@pytest.mark.real_data
def test_the_luck_of_small_test_sets_has_their_sizes(of, real_data, monkeypatch):
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    for name in ("breastmnist", "pneumoniamnist"):
        labels = data.load(name, "test").labels
        assert of.luck.PICTURES[len(labels)] == labels.sum()


def test_tables_hold_paired_differences(of, grid):
    fill(grid, of, lambda arm, rule: 0.1 * (rule == "domain") + 0.02 * (arm == "alone"))
    text = of.repair_tables.repairs(of.found.Found(grid))
    row = next(
        line for line in text.splitlines() if line.startswith("| the same weights, statistics of the d")
    )
    assert row.count("0.720 [0.700, 0.740]") == 6
    assert "recalibrated): Of 5 intervals 5 lie wholly above 0 and 0 wholly below" in text
    assert "GroupNorm: Of 5 intervals 0 lie wholly above 0 and 0 wholly below" in text
    text = of.repair_tables.alone(of.found.Found(grid))
    assert "| one-domain batches, statistics of everyone (as published) | -0.020" in text


def test_the_mean_over_domains_needs_all_of_them(of, grid):
    fill(grid, of, lambda arm, rule: 0)
    (grid.folder / f"alone_{of.arms.DOMAINS[0]}_2.json").unlink()
    found = of.found.Found(grid)
    assert set(found.scores(of.found.ALONE, None)) == {0, 1, 3, 4}
    assert str(found.gap(of.found.PUBLISHED, of.found.ALONE, None)).endswith("(seeds: 4)")


def test_the_collapse_is_told_in_numbers_of_the_same_pictures(of, grid):
    fill(grid, of, lambda arm, rule: 1.38 * (rule == "everyone" and arm == "shared"))
    text = of.tables.collapse(of.found.Found(grid))
    assert "is 2.00 instead of 0.20, 10.0 times as high" in text
    assert "Lowest after pass 1, 1, 1, 1, 1 of 5" in of.tables.course(of.found.Found(grid))


def test_what_was_forgotten_is_counted_from_the_end_of_the_own_passes(of, grid):
    fill(grid, of, lambda arm, rule: 0)
    epochs = of.arms.EPOCHS
    for seed in of.arms.SEEDS:
        cell = grid.read(f"sequential_{seed}")["values"]
        for place, domain in enumerate(of.arms.order_of(seed)):
            whole = [0.5] * (epochs * len(of.arms.DOMAINS))
            whole[(place + 1) * epochs - 1] = 0.9
            whole[-1] = 0.9 if place == 4 else 0.7
            cell["val"][domain]["auc"] = whole
        write(grid, f"sequential_{seed}", cell)
    rows = of.control_tables.forgetting(of.found.Found(grid)).splitlines()
    assert "| 0 | 0.900 | 0.900 | 0.500 | +0.000 [+0.000, +0.000] | +0.400 [+0.400, +0.400] |" in rows
    assert "| 4 | 0.900 | 0.700 | 0.500 | -0.200 [-0.200, -0.200] | +0.200 [+0.200, +0.200] |" in rows


def test_other_settings_are_another_cell(of):
    run = of.arms.Run("shared", 0, 1e-3)
    others = [replace(run, lr=1e-2), replace(run, epochs=9), replace(run, arm="mixed"), replace(run, seed=1)]
    assert all(other.settings != run.settings for other in others)


def test_an_empty_grid_says_so(s08, grid, monkeypatch):
    written = []
    monkeypatch.setattr(s08, "write_section", lambda key, text: written.append(text))
    s08.write_tables(grid)
    assert written[0].count("Not computed yet.") == 10


def test_the_page_of_results_holds_what_the_runs_say(study, of, root):
    grid = study("_grid").Grid(root / "studies" / "results" / "08")
    assert of.tables.section(grid) in (root / "docs" / "results.md").read_text()
