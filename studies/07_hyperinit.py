"""Study 07: does one network give all others better first weights than chance does?

    TEACHKIT_DATA=/path/to/data make study 07

Parts (``ARGS="--parts train"`` runs one), each cell resumable. Weights of hyper-initializers lie in
build/studies/07 and are trained again where they are missing:

- train: pre-training, on training pictures only.
"""

from _grid import Grid, command
from _hyperinit_arms import isolate_recipes, proof_recipes
from _hyperinit_training import trained


def run_train(grid: Grid) -> None:
    """Seed by seed, so that a stopped study has the same seeds of everything."""
    for seed in (0, 1):
        for recipe in [*isolate_recipes([seed])]:
            trained(grid, recipe)
    for seed in (0, 1, 2):
        for recipe in [*proof_recipes([seed])]:
            trained(grid, recipe)


def write_tables(grid: Grid) -> None:
    """Later."""


PARTS = {"train": run_train}


if __name__ == "__main__":
    command("07", PARTS, write_tables)
