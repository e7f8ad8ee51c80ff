"""Study 06: do networks that train as one graph learn anything from each other?

    TEACHKIT_DATA=/path/to/data make study 06

BreastMNIST and PneumoniaMNIST in k-means and in random clusters, MNIST digits by thickness of the stroke.
Three networks, each on its own cluster, are tested on the mixture, in five folds. Parts
(``ARGS="--parts core --jobs 2"`` runs one, two cells at a time), each cell resumable:

- core: plain, solo and joint, two rules, three ways to group, three learning rates;
- sharing: other numbers of groups and ways that share, at the rate that validation chose for plain training;
- copies: three copies of one network, which can share everything;
- related: three perceptrons of different depth, which start alike where they match;
- gnn: a union of a CNN, an MLP and a graph network; all at the same rates;
- long: ten times the epochs, for related networks and for the rule whose numbers compound.
"""

from collections.abc import Iterable
from functools import partial
from itertools import product

from _grid import Grid, command, write_section
from _ugnn_arms import (
    ALIKE,
    GNN,
    LONG,
    LONG_SETS,
    SETS,
    SHARING,
    Cell,
    core_cells,
    later_cells,
    long_cells,
    long_related_cells,
)
from _ugnn_found import Found
from _ugnn_runs import run_cell
from _ugnn_tables import section

from teachkit.errors import SettingsError


def run_core(grid: Grid) -> None:
    """Everything at every rate."""
    _run(grid, core_cells())


def run_sharing(grid: Grid) -> None:
    """One rate a set."""
    _run(grid, later_cells(SHARING, plain_rates(grid)))


def run_copies(grid: Grid) -> None:
    """The rates of the three different networks."""
    _run(grid, later_cells(ALIKE, plain_rates(grid), "copies"))


def run_related(grid: Grid) -> None:
    """The rates of the three different networks."""
    _run(grid, later_cells(ALIKE, plain_rates(grid), "related"))


def run_gnn(grid: Grid) -> None:
    """The rates of the three networks without a graph network."""
    _run(grid, later_cells(GNN, plain_rates(grid), "gnn"))


def run_long(grid: Grid) -> None:
    """Ways of the core at the rate that validation chose for each; related networks at that of plain."""
    if not (found := Found(grid)).complete(core_cells(LONG)):
        raise SettingsError("Not all runs of the core are there.", "Run the part 'core' first.")
    _run(grid, long_related_cells(plain_rates(grid)))
    rates = {(key, arm): found.rate(key, arm) for key, arm in product(LONG_SETS, LONG)}
    _run(grid, long_cells({way: rate for way, rate in rates.items() if rate is not None}))


def plain_rates(grid: Grid) -> dict[str, float]:
    """For each set the rate that validation chose for plain training.

    Raises:
        SettingsError: not all plain runs are there: nobody should choose from a part of them.
    """
    found = Found(grid)
    if not found.complete(core_cells(("plain",))):
        raise SettingsError("Not all plain runs are there.", "Run the part 'core' first.")
    rates = {key: found.rate(key, "plain") for key in SETS}
    return {key: rate for key, rate in rates.items() if rate is not None}


def _run(grid: Grid, cells: Iterable[Cell]) -> None:
    grid.run_all((cell.name, cell.settings, partial(run_cell, cell)) for cell in cells)


def write_tables(grid: Grid) -> None:
    """Write the section of this study from whatever cells are there."""
    write_section("06", section(grid))


PARTS = {
    "core": run_core,
    "sharing": run_sharing,
    "copies": run_copies,
    "related": run_related,
    "gnn": run_gnn,
    "long": run_long,
}


if __name__ == "__main__":
    command("06", PARTS, write_tables)
