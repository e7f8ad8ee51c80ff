"""The page about the cloud: its prices are the table's, and its commands and options exist."""

import re
import shlex
from datetime import date
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup

from teachkit.cli.main import command
from teachkit.cloud import names, prices


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "cloud.md").read_text(encoding="utf-8")


def rows() -> list[str]:
    """The rows of the price table as the page should show them."""
    kinds = [(gpu.short, n, kind) for gpu in names.ACCELERATORS.values() for n, kind in gpu.machines.items()]
    told = []
    for short, number, kind in [("none", 0, names.CPU_MACHINE), *kinds]:
        hours = [
            prices.hourly(kind, short, number, spot, training=training).usd
            for spot, training in ((False, True), (True, True), (False, False))
        ]
        which = f"{number} x {short}" if number else "none"
        told.append(f"| {which} | {kind} | " + " | ".join(f"{usd:.2f}" for usd in hours) + " |")
    return told


def test_its_prices_and_their_date_are_those_of_the_table(page: str) -> None:
    shown = [line for line in page.splitlines() if re.match(r"\| (none|\d x \w+) \|", line)]
    assert shown == rows()
    (dated,) = re.findall(r"as known on (\d{4}-\d\d-\d\d)", page)
    assert date.fromisoformat(dated) == prices.table()["as_of"]


def test_every_command_on_it_exists_with_its_options(page: str) -> None:
    called = re.findall(r"(?:`|^)teachkit ([^`\n]+)", page, re.MULTILINE)
    assert len(called) > 15
    for line in called:
        found: object = command()
        words = shlex.split(line.partition(" -- ")[0])  # what follows is another program's
        while isinstance(found, TyperGroup):
            found = found.get_command(None, words.pop(0))  # type: ignore[arg-type]
            assert isinstance(found, TyperCommand | TyperGroup), line
        assert isinstance(found, TyperCommand)
        known = {
            option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert {word for word in words if word.startswith("--")} <= known, line


def test_every_option_and_variable_that_it_names_is_one_of_the_run(page: str, root: Path) -> None:
    run = command().get_command(None, "cloud").get_command(None, "run")  # type: ignore[arg-type,union-attr]
    known = {option for parameter in run.params for option in parameter.opts}
    wanted = set(re.findall(r"(?:`|, )(--[a-z-]+)", page)) - {"--no-wait", "--cluster"}
    assert len(wanted) > 8
    assert wanted <= known
    source = "".join(path.read_text(encoding="utf-8") for path in (root / "src").rglob("*.py"))
    assert [name for name in set(re.findall(r"TEACHKIT_[A-Z]+", page)) if f'"{name}"' not in source] == []


def test_the_quotas_on_it_are_those_that_jobs_count_against(page: str) -> None:
    gpu = names.ACCELERATORS["l4"]
    for preemptible in (False, True):
        assert f"`{names.training_quota(gpu, preemptible=preemptible)}`" in page


def test_the_oldest_driver_on_it_is_the_one_that_is_checked(page: str) -> None:
    assert f"driver {names.DRIVER_FOR_CUDA['13']} or newer" in page
    assert "## An older driver" in page  # two messages send their reader there
