"""The page about many machines: its programs and options exist, and no port of it is open to everybody."""

import inspect
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from teachkit import mmpt, training, ugnn
from teachkit.cloud import launch
from teachkit.hyperinit import comparing
from teachkit.mmpt import job


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "many_machines.md").read_text(encoding="utf-8")


def test_every_program_that_it_starts_exists(page: str, root: Path) -> None:
    modules = set(re.findall(r"(?:-m|--) (teachkit\.[\w.]+)", page))
    assert {launch.__name__, job.__name__} <= modules
    assert [name for name in modules if find_spec(name) is None] == []
    assert [path for path in re.findall(r"deploy/[\w.]+", page) if not (root / path).is_file()] == []


def test_the_comparisons_that_it_names_take_the_word(page: str) -> None:
    for room in (training, mmpt, ugnn):
        assert f"`{room.__name__.partition('.')[2]}.compare`" in page
        assert "cluster" in inspect.signature(room.compare).parameters
    assert "cluster" in inspect.signature(comparing.compare).parameters


def test_no_rule_of_it_lets_the_internet_in(page: str) -> None:
    rules = re.findall(r"firewall-rules create .*", page)
    sources = [re.search(r"--source-ranges=(\S+)", rule) for rule in rules]
    assert [found and found[1] for found in sources] == ["10.10.0.0/24", "35.235.240.0/20"]
    machines = [
        line for line in page.splitlines() if re.search(r"(instances|instance-templates) create ", line)
    ]
    assert len(machines) == 2
    assert all("--no-address" in line for line in machines)


def test_what_it_makes_it_deletes(page: str) -> None:
    made = re.findall(r"gcloud compute ([a-z -]+) create ([\w-]+)", page)
    assert len(made) == 7
    for kind, name in made:
        assert re.search(rf"gcloud compute {kind} delete .*\b{name}\b", page), name
