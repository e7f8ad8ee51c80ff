"""What all benchmarks share: the data, fair timing on a busy machine, results that are kept."""

import json
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import torch

HERE = Path(__file__).resolve().parent
BATCH_SIZE = 128  # the one of MedMNIST's own example
REPEATS = 7


def data_folder() -> Path:
    """The folder that holds ``pneumoniamnist.npz``: below ``TEACHKIT_DATA``, else beside the checkout."""
    chosen = os.environ.get("TEACHKIT_DATA", "").split(os.pathsep)[0]
    root = Path(chosen) if chosen else HERE.parents[1] / "shared" / "data"
    for folder in (root, root / "medmnist"):
        if (folder / "pneumoniamnist.npz").is_file():
            return folder
    raise SystemExit(f"No pneumoniamnist.npz in {root}. Set TEACHKIT_DATA to a folder that holds it.")


@dataclass(frozen=True)
class Timing:
    """Seconds of each repeat of one way to do the work."""

    name: str
    seconds: list[float]

    @property
    def median(self) -> float:
        return median(self.seconds)


def in_turns(
    ways: Mapping[str, Callable[[], object]],
    repeats: int = REPEATS,
    clock: Callable[[], float] = perf_counter,
) -> list[Timing]:
    """Time several ways to do the same work, one after the other in every round.

    Other programs slow all ways of a round alike, so ratios are taken round by round. The first round is not
    counted. `clock` is the time on the wall, or `time.process_time` for work of one thread.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(repeats + 1):
        for name, work in ways.items():
            began = clock()
            work()
            if round_:
                seconds[name].append(clock() - began)
    return [Timing(name, taken) for name, taken in seconds.items()]


def ratio(slow: Timing, fast: Timing) -> float:
    """How many times faster `fast` is: the median over rounds."""
    return median(a / b for a, b in zip(slow.seconds, fast.seconds, strict=True))


def report(
    file: str,
    title: str,
    baseline: str,
    timings: list[Timing],
    more: Mapping[str, Mapping[str, float]] | None = None,
) -> None:
    """Print the ratios to `baseline`, keep them as JSON, and rewrite the table of ``README.md``.

    Args:
        more: other numbers of each way, a column each.
    """
    plain = next(timing for timing in timings if timing.name == baseline)
    torch_version = torch.__version__.partition("+")[0]
    ways = {
        timing.name: {"seconds": round(timing.median, 4), "times_faster": round(ratio(plain, timing), 2)}
        for timing in timings
    }
    for name, numbers in (more or {}).items():
        ways[name] |= numbers
    result = {
        "title": title,
        "baseline": baseline,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch_version}",
        "rounds": len(plain.seconds),
        "ways": ways,
    }
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / f"{file}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    for name, found in ways.items():
        print(f"{title}: {name}: {found['seconds']:.3f} s, {found['times_faster']:.2f}×")
    write_readme()


def write_readme() -> None:
    """``README.md`` from all results that are there."""
    parts = [
        "# Benchmarks",
        "`make bench` measures again and rewrites this page.",
        "All ways of a table run in turns, so a busy machine slows them alike. Seconds are medians over the "
        "rounds. The ratio to the first way is taken within each round; its median is shown.",
        "More threads help an idle machine only: where cores have other work, threads wait for each other.",
    ]
    for path in sorted((HERE / "results").glob("*.json")):
        result = json.loads(path.read_text())
        more = [key for key in next(iter(result["ways"].values())) if key not in ("seconds", "times_faster")]
        rows = [
            f"| {name} | {way['seconds']:.3f} | {way['times_faster']:.2f} |"
            + "".join(f" {way[key]} |" for key in more)
            for name, way in result["ways"].items()
        ]
        head = f"## {result['title']}\n\n{result['machine']}; {result['rounds']} rounds."
        names = "".join(f" {key.replace('_', ' ')} |" for key in more)
        ruler = "|---|---:|---:|" + "---:|" * len(more)
        table = "\n".join([f"| way | seconds | times faster |{names}", ruler, *rows])
        parts += [head, table]
    (HERE / "README.md").write_text("\n\n".join(parts) + "\n")
