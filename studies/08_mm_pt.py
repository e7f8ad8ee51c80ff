"""Study 08: one network for several data sets. Why does it collapse, and what repairs it?

    TEACHKIT_DATA=/path/to/data make study 08

Parts (``ARGS="--parts luck"`` runs one), each cell resumable:

- luck: how far the best of many equal models rises on few test pictures; no network;
- choice: the learning rate, on validation pictures with a seed of its own;
- core: one network for all domains, in batches of one domain or mixed, with three kinds of normalisation; a
  network for each domain. Seed by seed; refuses to run before the choice;
- controls: one domain after another; idle heads with a gradient of zero;
- vit: a transformer, with a learning rate of its own;
- long: networks for the small domains alone, with the steps of all.
"""

from _grid import Grid, command, write_section
from _mmpt_arms import control_runs, core_runs, long_runs, vit_runs
from _mmpt_choice import TRANSFORMER, chosen, run_choice
from _mmpt_luck import run_luck
from _mmpt_runs import run_cells
from _mmpt_tables import section


def run_core(grid: Grid) -> None:
    """With the rates that validation chose."""
    run_cells(grid, list(core_runs(chosen(grid))))


def run_controls(grid: Grid) -> None:
    """At the rate of the residual network."""
    run_cells(grid, list(control_runs(chosen(grid))))


def run_vit(grid: Grid) -> None:
    """Its rate, then its runs."""
    run_choice(grid, ("vit",))
    run_cells(grid, list(vit_runs(chosen(grid, TRANSFORMER))))


def run_long(grid: Grid) -> None:
    """As many steps as the runs on all domains had."""
    whole = grid.read("shared_0")
    if whole is not None:
        run_cells(grid, list(long_runs(chosen(grid), whole["values"]["steps"])))


def write_tables(grid: Grid) -> None:
    """Write the section of this study from whatever cells are there."""
    write_section("08", section(grid))


PARTS = {
    "luck": run_luck,
    "choice": run_choice,
    "core": run_core,
    "controls": run_controls,
    "vit": run_vit,
    "long": run_long,
}


if __name__ == "__main__":
    command("08", PARTS, write_tables)
