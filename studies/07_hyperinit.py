"""Study 07: does one network give all others better first weights than chance does?

    TEACHKIT_DATA=/path/to/data make study 07

Parts (``ARGS="--parts proof"`` runs one), each cell resumable. Weights of hyper-initializers lie in
build/studies/07 and are trained again where they are missing:

- mean: what the mean training picture alone knows about turns;
- isolate: task, families of networks and steps, judged by probes on validation pictures; writes the choice;
- proof: networks that were never trained, on the published task;
- down: seven starts on tasks with few labels; refuses to run before the choice;
- curve: the probes of the choice after up to 12,000 steps;
- long: the tasks with few labels, from the longest of these runs;
- maps: how early activation maps look as they will after twenty epochs;
- seg: a U-Net whose encoder gets predicted numbers;
- cost: seconds for graph and numbers, beside pre-training of each network.
"""

from _grid import Grid, command, write_section
from _hyperinit_arms import curve_recipes
from _hyperinit_choice import chosen, probe_cell, run_isolate
from _hyperinit_cost import run_cost
from _hyperinit_down import run_down as run_down_cells
from _hyperinit_down import run_long
from _hyperinit_exam import run_mean, run_proof
from _hyperinit_maps import run_maps as run_maps_cells
from _hyperinit_seg import run_seg as run_seg_cells
from _hyperinit_tables import section


def run_down(grid: Grid) -> None:
    """With what validation chose."""
    run_down_cells(grid, chosen(grid).__dict__)


def run_curve(grid: Grid) -> None:
    """The longest run takes half an hour of one processor."""
    for recipe in curve_recipes():
        probe_cell(grid, recipe)


def run_maps(grid: Grid) -> None:
    """With what validation chose, at the rates of the part 'down'."""
    run_maps_cells(grid, chosen(grid).__dict__)


def run_seg(grid: Grid) -> None:
    """With the task that validation chose."""
    run_seg_cells(grid, chosen(grid).__dict__)


def write_tables(grid: Grid) -> None:
    """Write the section of this study from whatever cells are there."""
    write_section("07", section(grid))


PARTS = {
    "mean": run_mean,
    "isolate": run_isolate,
    "proof": run_proof,
    "down": run_down,
    "curve": run_curve,
    "long": run_long,
    "maps": run_maps,
    "seg": run_seg,
    "cost": run_cost,
}


if __name__ == "__main__":
    command("07", PARTS, write_tables)
