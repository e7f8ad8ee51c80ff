"""A progress bar where somebody watches, silence elsewhere."""

import os
import sys
from collections.abc import Sequence
from typing import Any

from joblib import Parallel
from tqdm.auto import tqdm


def progress_bar(total: int, description: str, done: int = 0) -> tqdm:
    """A bar over `total` steps, which stays quiet in headless runs, pipes and log files."""
    return tqdm(total=total, desc=description, initial=done, leave=False, disable=not someone_watches())


def finished_runs(tasks: Sequence[Any], jobs: int | None) -> list[Any]:
    """The results of joblib's delayed `tasks`, in their order, with a bar over them.

    Args:
        tasks: training runs.
        jobs: how many at the same time; None leaves it to joblib.
    """
    found = []
    with progress_bar(len(tasks), "runs") as bar:
        # Arrays go to the workers as they are: mapped into files they would no longer live on the device.
        for run in Parallel(n_jobs=jobs, return_as="generator", max_nbytes=None)(tasks):
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
