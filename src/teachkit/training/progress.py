"""A progress bar where somebody watches, silence elsewhere."""

import os
import sys

from tqdm.auto import tqdm


def progress_bar(total: int, description: str, done: int = 0) -> tqdm:
    """A bar over `total` steps, which stays quiet in headless runs, pipes and log files."""
    return tqdm(total=total, desc=description, initial=done, leave=False, disable=not someone_watches())


def someone_watches() -> bool:
    """True in a terminal or a notebook, unless ``TEACHKIT_HEADLESS=1``."""
    if os.environ.get("TEACHKIT_HEADLESS") == "1":
        return False
    return sys.stderr.isatty() or _in_notebook()


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return type(shell).__name__ == "ZMQInteractiveShell"
