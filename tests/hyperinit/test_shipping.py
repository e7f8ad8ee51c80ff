"""The hyper-initializer that comes with the package, and the command that makes it."""

import copy
import math
from pathlib import Path

import pytest
import torch
import torchvision
from hatchling.builders.wheel import WheelBuilder

import teachkit.hyperinit
from teachkit import data, hyperinit
from teachkit.errors import SettingsError
from teachkit.hyperinit import HyperInitializer, shipping
from teachkit.hyperinit.shipping import RECIPE, Recipe, ship, train

FILE = Path(teachkit.hyperinit.__file__).parent / "trained.pt"


def test_the_file_of_the_package_is_small_and_says_where_it_comes_from():
    assert FILE.stat().st_size < 4e6
    stored = torch.load(FILE, weights_only=True)["numbers"]
    assert {value.dtype for value in stored.values()} == {torch.float16}
    found = HyperInitializer.load()
    assert {value.dtype for value in found.parameters()} == {torch.float32}
    assert not found.training
    assert found.trained_steps == RECIPE.steps
    assert found.about["licence"] == "CC BY 4.0"
    assert {name: found.about[name] for name in ("data", "pretext", "seed", "lr")} == {
        "data": RECIPE.data, "pretext": RECIPE.pretext, "seed": RECIPE.seed, "lr": RECIPE.lr,
    }  # fmt: skip
    assert tuple(found.about["families"]) == RECIPE.families
    page = FILE.with_suffix(".md").read_text(encoding="utf-8")
    assert "not for clinical use" in page
    assert found.about["citation"] in page


def test_the_wheel_holds_the_file_and_its_page():
    builder = WheelBuilder(str(FILE.parents[3]))
    held = {Path(found.distribution_path).as_posix() for found in builder.recurse_included_files()}
    assert {"teachkit/hyperinit/trained.pt", "teachkit/hyperinit/trained.md"} <= held


@pytest.mark.parametrize("classes", [1, 7, 1000])
def test_it_gives_a_published_network_its_first_numbers_for_any_task(classes):
    module = torchvision.models.resnet18(num_classes=classes)
    before = copy.deepcopy(module.state_dict())
    report = HyperInitializer.load().initialize(module)
    assert [name for name, _ in report.left_alone] == ["fc.weight", "fc.bias"]
    assert module.fc.weight.equal(before["fc.weight"])
    assert not module.conv1.weight.equal(before["conv1.weight"])
    assert module(torch.rand(2, 3, 32, 32)).isfinite().all()


@pytest.mark.real_data
def test_networks_that_it_has_not_seen_solve_its_task_far_better_than_by_chance(
    real_data, isolated, monkeypatch
):
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    exam, task = hyperinit.references(), teachkit.hyperinit.pretext.pretext_named(RECIPE.pretext)
    scores = hyperinit.pretext_scores(HyperInitializer.load(), exam, data.load(RECIPE.data, "val"), task)
    for name, row in scores.items():
        assert row["accuracy"] > 3 * task.chance(128), name


def test_half_precision_keeps_three_digits(tmp_path):
    initializer = HyperInitializer(dim=8, max_channels=8)
    whole, half = (initializer.save(tmp_path / f"{half}.pt", half=half) for half in (False, True))
    assert half.stat().st_size < 0.65 * whole.stat().st_size
    for one, other in zip(initializer.parameters(), HyperInitializer.load(half).parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-7)


def test_numbers_too_large_for_half_precision_are_refused(tmp_path):
    initializer = HyperInitializer(dim=8, max_channels=8)
    torch.nn.init.constant_(initializer.norm.bias, 1e6)
    with pytest.raises(SettingsError, match="half precision"):
        initializer.save(tmp_path / "h.pt", half=True)
    assert not (tmp_path / "h.pt").exists()


SHORT = Recipe(data="digits", pretext="rotation", families=("vgg",), architectures=2, steps=2, nets=1)


def test_training_by_a_recipe_goes_on_from_its_checkpoint(offline, tmp_path):
    initializer = train(SHORT, tmp_path / "run.pt")
    again = train(SHORT, tmp_path / "run.pt")
    assert again.trained_steps == initializer.trained_steps == SHORT.steps
    assert all(
        one.equal(other) for one, other in zip(initializer.parameters(), again.parameters(), strict=True)
    )


def test_a_job_names_its_folder_and_changes_the_recipe(offline, tmp_path, monkeypatch, capsys):
    words = ["--data", "digits", "--pretext", "rotation", "--families", "vgg", "--architectures", "2"]
    words += ["--steps", "2", "--nets", "1", "--images-per-net", "48", "--device", "cpu"]
    shipping.main([*words, "--out", str(tmp_path)])
    assert HyperInitializer.load(tmp_path / "trained.pt").about["steps"] == 2
    assert (tmp_path / "training.pt").exists()
    assert "trained.md beside it" in capsys.readouterr().out
    (tmp_path / "trained.pt").unlink()
    monkeypatch.setenv("RANK", "1")  # goes on from the checkpoint, and leaves the files to the first process
    shipping.main([*words, "--out", str(tmp_path)])
    assert not (tmp_path / "trained.pt").exists()


def test_pictures_under_another_licence_end_the_program_before_any_step(offline, tmp_path, monkeypatch):
    monkeypatch.setattr(shipping, "FREE", ("CC0",))
    with pytest.raises(SystemExit, match=r"SettingsError: .* is under 'CC BY 4\.0'"):
        shipping.main(["--data", "digits", "--steps", "2", "--out", str(tmp_path)])
    assert not (tmp_path / "training.pt").exists()


def test_numbers_from_pictures_under_another_licence_are_not_shipped(offline, tmp_path, monkeypatch):
    monkeypatch.setattr(shipping, "FREE", ("CC0",))
    with pytest.raises(SettingsError, match=r"is under 'CC BY 4\.0'"):
        ship(HyperInitializer(), SHORT, tmp_path)


def test_another_recipe_than_the_trained_one_is_not_shipped(offline, tmp_path):
    with pytest.raises(SettingsError, match="0 steps, the recipe says 12000"):
        ship(HyperInitializer(), Recipe(data="ihc_patches"), tmp_path)


def test_the_page_holds_what_a_user_must_know(offline, tmp_path):
    recipe = Recipe(
        data="ihc_patches", pretext="rotation", families=("vgg",), steps=1, nets=1, images_per_net=8
    )
    initializer = HyperInitializer()
    initializer.grow_head(4)
    initializer.trained_steps = 1
    path = ship(initializer, recipe, tmp_path)
    page = path.with_suffix(".md").read_text(encoding="utf-8")
    for said in ("not for clinical use", "No known copyright", "| families | vgg |", "| resnet18 |", "0.250"):
        assert said in page
    assert HyperInitializer.load(path).about["task"].startswith("Rotation(")
    loss = float(page.split("to a loss of ")[1].split(";")[0])
    assert math.log(4) - 0.05 < loss < 2  # who knows nothing is not better than a guess, and not wildly sure
