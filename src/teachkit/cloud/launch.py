"""Start a training program on every GPU of every machine of a cloud job.

``python -m teachkit.cloud.launch [--processes N] -m MODULE ARGUMENTS`` is the command of each container.
The service tells every machine who takes part by the variable CLUSTER_SPEC; without it this machine is alone.
torchrun starts the program, so that Lightning Fabric needs no plug-in.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from teachkit.errors import SettingsError

SPEC = "CLUSTER_SPEC"
PORT = 29500  # ours; 2222 and 3333 belong to the service
PRIMARY, WORKERS = "workerpool0", "workerpool1"
# Where the service sets these, they count machines and not processes. torchrun sets its own.
FOREIGN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT")
# A program like any other from here: this room never imports torch. As a file it loads no more than torch.
AGENT = Path(__file__).parents[1] / "training" / "torchrun.py"


@dataclass(frozen=True)
class Machines:
    """The machines of a job.

    Attributes:
        hosts: their names; the first one is where all others report.
        here: number of this machine, from 0.
    """

    hosts: tuple[str, ...]
    here: int


def machines_of(environment: Mapping[str, str]) -> Machines | None:
    """Who takes part, read from CLUSTER_SPEC; None where the variable is absent.

    Raises:
        SettingsError: for a variable that does not say it, and for a machine that has no part in training.
    """
    text = environment.get(SPEC)
    if not text:
        return None
    try:
        spec = json.loads(text)
        pools, task = spec["cluster"], spec["task"]
        primary, workers = list(pools[PRIMARY]), list(pools.get(WORKERS, []))
        pool, index = str(task["type"]), int(task["index"])
        hosts = tuple(str(place).rpartition(":")[0] or str(place) for place in primary + workers)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"{SPEC} does not say who takes part ({type(error).__name__}: {error}): {text[:200]}",
            f"Remove the variable to train on this machine alone: env -u {SPEC} ...",
            spec=text,
        ) from error
    if len(primary) != 1:
        raise SettingsError(
            f"{SPEC} names {len(primary)} machines in {PRIMARY}.",
            "Give the first worker pool replicaCount 1, and the others to the second pool.",
            spec=text,
        )
    here = {PRIMARY: index, WORKERS: 1 + index}.get(pool, -1)
    if not 0 <= here < len(hosts) or (pool == PRIMARY) != (here == 0):
        raise SettingsError(
            f"{SPEC} calls this machine number {index} of '{pool}', which has no part in training.",
            f"Use the pools {PRIMARY} and {WORKERS} alone.",
            pool=pool,
            index=index,
        )
    return Machines(hosts, here)


def torchrun_arguments(
    machines: Machines | None, program: Sequence[str], processes: int, port: int = PORT
) -> list[str]:
    """What torchrun must be told.

    Args:
        machines: of `machines_of`.
        program: "-m", a module and its arguments; or a script and its arguments.
        processes: on each machine.
        port: of the first machine, where all others report.
    """
    if machines is None:
        return ["--standalone", f"--nproc-per-node={processes}", *program]
    return [
        f"--nnodes={len(machines.hosts)}",
        f"--nproc-per-node={processes}",
        f"--node-rank={machines.here}",
        f"--master-addr={machines.hosts[0]}",
        f"--master-port={port}",
        *program,
    ]


def cleaned(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what the service says about ranks."""
    return {name: value for name, value in environment.items() if name not in FOREIGN}


def gpus() -> int:
    """How many GPUs the driver shows."""
    try:
        asked = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in asked.stdout.splitlines()) if not asked.returncode else 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Become torchrun; returns only by an error."""
    parser = argparse.ArgumentParser(
        prog="python -m teachkit.cloud.launch",
        description="Start a training program on every GPU of every machine of a job.",
        usage="%(prog)s [--processes N] [--port P] (-m MODULE | SCRIPT) [ARGUMENTS ...]",
    )
    parser.add_argument("--processes", type=int, help="on each machine; default: one a GPU, else one")
    parser.add_argument("--port", type=int, default=PORT, help=f"of the first machine; default {PORT}")
    parser.add_argument("-m", dest="module", action="store_true", help="the program is a module")
    parser.add_argument("program", nargs=argparse.REMAINDER, help="the program and its arguments")
    asked = parser.parse_args(arguments)
    if not asked.program:
        parser.error("name the program, for example -m teachkit.mmpt.job")
    if asked.processes is not None and asked.processes < 1:
        parser.error(f"--processes {asked.processes}: give 1 or more")
    try:
        machines = machines_of(os.environ)
    except SettingsError as error:
        parser.exit(2, f"{error}\n")
    program = ["-m", *asked.program] if asked.module else asked.program
    told = torchrun_arguments(machines, program, asked.processes or gpus() or 1, asked.port)
    print("torchrun", " ".join(told), flush=True)
    os.execve(sys.executable, [sys.executable, "-P", str(AGENT), *told], cleaned(os.environ))


if __name__ == "__main__":
    main()
