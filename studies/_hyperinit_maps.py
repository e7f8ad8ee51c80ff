"""Study 07, maps: how early do class activation maps look as they will after twenty epochs?"""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from _grid import Grid
from _hyperinit_arms import DEVELOPMENT
from _hyperinit_down import LABELS, Cell, behind, rate_of
from _hyperinit_down import begin as begin_from
from _hyperinit_training import pictures

from teachkit.hyperinit.downstream import draw_sample
from teachkit.hyperinit.maps import correlations, maps_while_tuning

NETWORK = "resnet14"
STARTS = ("kaiming", "chosen", "shuffled")
DRAWS = (0, 1, 2)
EPOCHS = (0, 1, 3, 5, 10, 20)


def run_maps(grid: Grid, chosen: Mapping[str, Any]) -> None:
    """Each start at the rate that validation chose for it after five epochs."""
    rates = {start: rate_of(grid, chosen, DEVELOPMENT, NETWORK, start) for start in STARTS}
    cells = [(maps_name(cell), settings_of(cell), partial(run_cell, cell, grid)) for cell in
             map_cells(chosen, rates)]  # fmt: skip
    grid.run_all(cells)


def map_cells(chosen: Mapping[str, Any], rates: Mapping[str, float]) -> Iterator[Cell]:
    """Draw by draw."""
    for draw, start in product(DRAWS, STARTS):
        made = behind(start, chosen)
        yield Cell(DEVELOPMENT, NETWORK, start, draw, *made, rates=(rates[start],))


def maps_name(cell: Cell) -> str:
    """Of the file of a cell."""
    return f"maps_{cell.network}_{cell.start}_{cell.draw}"


def settings_of(cell: Cell) -> dict[str, Any]:
    """Those of a downstream cell, and when maps are taken."""
    return {**cell.settings, "epochs": EPOCHS}


def run_cell(cell: Cell, grid: Grid) -> dict[str, Any]:
    """Correlation of each map with the last one of the same picture, and with the last one of another.

    All test pictures count. Two pictures with smooth maps agree by luck, so the first number says something
    only beside the second.
    """
    torch.set_num_threads(1)
    network, _ = begin_from(cell, grid)
    sample = draw_sample(pictures(cell.data, "train"), LABELS, cell.draw)
    test = pictures(cell.data, "test")
    found = maps_while_tuning(network, sample, test, lr=cell.rates[0], epochs=EPOCHS, seed=cell.draw)
    last = found[max(EPOCHS)]
    return {
        "with_last": {str(epoch): mean(correlations(maps, last)) for epoch, maps in found.items()},
        "with_others": {
            str(epoch): mean(correlations(maps, np.roll(last, 1, 0))) for epoch, maps in found.items()
        },
    }


def mean(values: np.ndarray) -> float:
    """Over the pictures whose maps are not flat."""
    return round(float(np.nanmean(values)), 4)
