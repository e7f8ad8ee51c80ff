"""One progress bar for all transfers: bytes, rate and time left; silent when nobody is looking."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm


def quiet() -> bool:
    """Whether to draw nothing: stderr is no terminal, or TEACHKIT_HEADLESS=1."""
    return os.environ.get("TEACHKIT_HEADLESS") == "1" or not sys.stderr.isatty()


def byte_bar(description: str, total: int | None = None) -> tqdm:
    """A bar that counts bytes; `total` may be unknown at first."""
    return tqdm(
        total=total,
        desc=description,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        leave=False,
        disable=quiet(),
    )


@contextmanager
def watching(path: Path, description: str, total: int | None) -> Iterator[None]:
    """Draw the growth of `path` (a file or a folder) while somebody else writes it.

    Several threads may write chunks of one sparse file, so what is counted are the blocks in use.
    """
    if quiet():
        yield
        return
    done = threading.Event()
    with byte_bar(description, total) as bar:

        def sample() -> None:
            while not done.wait(0.2):
                bar.update(_used_bytes(path) - bar.n)

        sampler = threading.Thread(target=sample, daemon=True)
        sampler.start()
        try:
            yield
        finally:
            done.set()
            sampler.join()
            bar.update(_used_bytes(path) - bar.n)


def _used_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(min(stat.st_size, stat.st_blocks * 512) for file in files if (stat := _stat(file)))


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except FileNotFoundError:  # not begun yet, or just renamed
        return None
