"""Samples a second of both pre-trainings in one process and in two, one thread each, started as in a job."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from timing import HERE, Timing, report

ROUNDS = 5
WORKS = {
    "mmpt": "mm-PT, small residual network, two sets of 28×28, batches of 128",
    "hyperinit": "Pre-training of the hyper-initializer, 2 networks × 48 inputs of 28×28 in each process",
}
PROCESSES = (1, 2)


def measured(processes: int, folder: Path) -> dict[str, float]:
    """Seconds for 1,000 samples of each work."""
    file = folder / "found.json"
    launch = [sys.executable, "-m", "teachkit.cloud.launch", "--processes", str(processes)]
    told = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    told.pop("CLUSTER_SPEC", None)
    subprocess.run(
        [*launch, str(HERE / "many.py"), str(file)], env=told, check=True, stdout=subprocess.DEVNULL
    )
    found: dict[str, float] = json.loads(file.read_text())
    return found


def main() -> None:
    """Both numbers of processes in turns."""
    with TemporaryDirectory() as folder:
        rounds = [{count: measured(count, Path(folder)) for count in PROCESSES} for _ in range(ROUNDS)]
    busy = os.getloadavg()[2]
    for work, title in WORKS.items():
        names = {count: f"{count} process{'es' * (count > 1)}" for count in PROCESSES}
        timings = [Timing(names[count], [one[count][work] for one in rounds]) for count in PROCESSES]
        report(
            f"processes_{work}",
            f"{title}: seconds for 1,000 samples, CPU, 1 thread each",
            names[1],
            timings,
            {one.name: {"samples_a_second": round(1000 / median(one.seconds))} for one in timings},
        )
    print(f"Mean load of the last quarter of an hour, these processes included: {busy:.1f}")


if __name__ == "__main__":
    main()
