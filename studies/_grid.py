"""Experiment grids that can be stopped and taken up again: one JSON file per cell, tables written from them.

A cell is a name, the settings that decide its result, and a function that computes it. Its file appears whole
or not at all. A cell that is there with the same settings is read, not computed; with other settings it is an
error, because a table must not mix two experiments.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from joblib import delayed

from teachkit.errors import SettingsError
from teachkit.extras import need
from teachkit.metrics import Interval
from teachkit.paths import atomic
from teachkit.training.cluster import results

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results.md"
PACKAGES = ("teachkit", "torch", "torchvision", "timm", "numpy", "scikit-learn")

Given = tuple[str, dict[str, Any], Callable[[], dict[str, Any]]]  # name, settings, what computes a cell

INTRO = """# Measured results

Every table here is written by a script in `studies/` from one JSON file per run. `make study 01` computes
what is missing and writes the tables again. Text between the markers is overwritten; edit the script instead.
Intervals are 95 % t intervals over seeds unless a table says otherwise.
"""


class Grid:
    """The cells of one study, kept in `folder`.

    `run_all` computes `jobs` of them at a time, or shares them among the workers of the dask scheduler at
    `cluster`.
    """

    def __init__(self, folder: Path, jobs: int = 1, cluster: str | None = None) -> None:
        self.folder, self.jobs, self.cluster = folder, jobs, cluster

    def run(
        self, name: str, settings: dict[str, Any], compute: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """The values of cell `name`: from its file, or computed now and written.

        Raises:
            SettingsError: the file belongs to other settings.
        """
        if (known := self._known(name, settings)) is not None:
            return known["values"]
        return self._keep(name, settings, _computed(compute))

    def run_all(self, cells: Iterable[Given]) -> None:
        """Run many cells, in this order; each is given by the arguments of `run`.

        They are computed elsewhere and written here, as each ends, so that workers need not see `folder`.
        """
        if self.cluster is not None:
            _take_along()
        missing = [(name, settings, go) for name, settings, go in cells if not self._known(name, settings)]
        tasks = [delayed(_numbered)(number, go) for number, (_, _, go) in enumerate(missing)]
        for number, cell in results(tasks, self.jobs, self.cluster, ordered=False):
            name, settings, _ = missing[number]
            self._keep(name, settings, cell)

    def _known(self, name: str, settings: dict[str, Any]) -> dict[str, Any] | None:
        """The whole cell from its file, which must belong to `settings`; None when it is not there."""
        known, wanted = self.read(name), _as_kept(settings)
        if known is not None and known["settings"] != wanted:
            raise SettingsError(
                f"'{self._path(name)}' was computed with other settings: "
                f"{_changes(known['settings'], wanted)}.",
                "Delete the file to compute the cell again.",
                cell=name,
            )
        return known

    def _keep(self, name: str, settings: dict[str, Any], cell: dict[str, Any]) -> dict[str, Any]:
        """Write a cell, and return its values."""
        with atomic(self._path(name)) as temporary:
            temporary.write_text(json.dumps({"settings": _as_kept(settings), **cell}, indent=1) + "\n")
        print(f"{name}: {cell['seconds']:.0f} s", flush=True)
        values: dict[str, Any] = cell["values"]
        return values

    def read(self, name: str) -> dict[str, Any] | None:
        """The whole cell, or None when it is not there yet."""
        path = self._path(name)
        return json.loads(path.read_text()) if path.exists() else None

    def values(self, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """The values of those of `names` that are there."""
        for name in names:
            if (cell := self.read(name)) is not None:
                yield cell["values"]

    def versions_used(self) -> str:
        """Packages of all cells; two numbers where cells were computed under two versions."""
        used: dict[str, set[str]] = {}
        for path in sorted(self.folder.glob("*.json")):
            for name, number in json.loads(path.read_text())["versions"].items():
                used.setdefault(name, set()).add(number)
        return ", ".join(f"{name} {' and '.join(sorted(numbers))}" for name, numbers in used.items())

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


class Cells:
    """Values of the cells of one grid, for tables; each file is read once."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self._read: dict[str, dict[str, Any] | None] = {}

    def values(self, name: str) -> dict[str, Any] | None:
        """What the cell holds, or None when it is not there yet."""
        if name not in self._read:
            whole = self.grid.read(name)
            self._read[name] = None if whole is None else whole["values"]
        return self._read[name]


def command(
    number: str,
    parts: Mapping[str, Callable[..., None]],
    write_tables: Callable[[Grid], None],
    load: Callable[[], Any] | None = None,
) -> None:
    """Compute what is missing; write the tables after each part.

    Args:
        number: of the study, such as "01".
        parts: name to a function of the grid, and of what `load` returns where it is given.
        write_tables: writes the study's section of docs/results.md.
        load: reads the data once, when something has to be computed.
    """
    parser = argparse.ArgumentParser(description=f"Study {number}: computes what is missing, writes tables.")
    parser.add_argument("--parts", nargs="*", choices=parts, default=list(parts), help="default: all")
    parser.add_argument("--tables", action="store_true", help="compute nothing, only write the tables")
    parser.add_argument("--jobs", type=int, default=1, help="cells at a time, in studies that allow it")
    parser.add_argument(
        "--cluster", help="address of a dask scheduler (tcp://HOST:8786) whose workers share them instead"
    )
    asked = parser.parse_args()
    grid = Grid(ROOT / "studies" / "results" / number, asked.jobs, asked.cluster)
    if not asked.tables:
        inputs = () if load is None else (load(),)
        for part in asked.parts:
            parts[part](grid, *inputs)
            write_tables(grid)
    write_tables(grid)


def _computed(compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a cell holds beside its settings."""
    began = time.perf_counter()
    values = compute()
    return {"values": values, "seconds": round(time.perf_counter() - began, 1), "versions": versions()}


def _numbered(number: int, compute: Callable[[], dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    return number, _computed(compute)


def _take_along() -> None:
    """Let the studies' own modules travel with each cell, so that workers need teachkit alone."""
    cloudpickle = need("cloudpickle", "cluster")
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and Path(file).parent == Path(__file__).parent and module.__name__ != "__main__":
            cloudpickle.register_pickle_by_value(module)


def _as_kept(settings: dict[str, Any]) -> dict[str, Any]:
    """Tuples become lists, as in the file."""
    kept: dict[str, Any] = json.loads(json.dumps(settings))
    return kept


def versions() -> dict[str, str]:
    """What computed a cell."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def with_interval(interval: Interval, signed: bool = False) -> str:
    """A number and its limits for a table, such as "0.912 [0.903, 0.921]"."""
    sign = "+" if signed else ""
    value, low, high = interval
    if low != low:
        return f"{value:{sign}.3f}"
    return f"{value:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in GitHub's Markdown; numbers to the right."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_section(key: str, text: str, page: Path = RESULTS) -> None:
    """Put `text` between the markers of `key`; markers that are not there yet are added at the end."""
    begin, end = f"<!-- study {key}: begin -->", f"<!-- study {key}: end -->"
    whole = page.read_text() if page.exists() else INTRO
    if begin not in whole:
        whole = f"{whole.rstrip()}\n\n{begin}\n{end}\n"
    head, _, rest = whole.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise SettingsError(f"'{page}' has the marker '{begin}' but not its end.", f"Add the line '{end}'.")
    with atomic(page) as temporary:
        temporary.write_text(f"{head}{begin}\n{text.strip()}\n{end}{tail}")


def _changes(old: dict[str, Any], new: dict[str, Any]) -> str:
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(f"{name} {old.get(name)!r} → {new.get(name)!r}" for name in names)
