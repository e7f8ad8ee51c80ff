"""A progress bar where somebody watches, silence elsewhere."""

import os
import sys
from collections.abc import Sequence
from typing import Any

from tqdm.auto import tqdm

from teachkit.training.cluster import results


def progress_bar(total: int, description: str, done: int = 0) -> tqdm:
    """A bar over `total` steps, which stays quiet in headless runs, pipes and log files."""
    return tqdm(total=total, desc=description, initial=done, leave=False, disable=not someone_watches())


def finished_runs(tasks: Sequence[Any], jobs: int | None, cluster: str | None = None) -> list[Any]:
    """The results of joblib's delayed `tasks`, in their order, with a bar over them.

    Args:
        tasks: training runs.
        jobs: how many at the same time; None leaves it to joblib.
        cluster: address of a scheduler of dask.distributed, whose workers share the tasks instead.
    """
    found = []
    with progress_bar(len(tasks), "runs") as bar:
        for run in results(tasks, jobs, cluster):
            found.append(run)
            bar.update()
    return found


def someone_watches() -> bool:
    """True in a terminal or a notebook, unless ``TEACHKIT_HEADLESS=1``."""
    if os.environ.get("TEACHKIT_HEADLESS") == "1":
        return False
    return sys.stderr.isatty() or in_notebook()


def in_notebook() -> bool:
    """True in a Jupyter kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return type(shell).__name__ == "ZMQInteractiveShell"
