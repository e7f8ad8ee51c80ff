"""torchrun, which says in one sentence whose end ended a job. `teachkit.cloud.launch` starts it."""

import signal
import socket
import sys
from collections.abc import Sequence

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.run import parse_args, run

# How processes end after another one is gone: torchrun asks them to stop, or their connection breaks.
FOLLOWING = (-signal.SIGTERM, -signal.SIGABRT)


def main(arguments: Sequence[str]) -> int:
    """Run a job as torchrun does; returns the exit status."""
    asked = parse_args(list(arguments))
    try:
        run(asked)
    except ChildFailedError as error:
        rank, failure = first_to_go(error.failures)
        machine = f"{socket.gethostname()} (machine {asked.node_rank} of {asked.nnodes.partition(':')[0]})"
        print(obituary(rank, failure.exitcode, machine), file=sys.stderr, flush=True)
        return 1
    except SignalException as error:
        print(f"The job was stopped by {error.sigval.name}.", file=sys.stderr, flush=True)
        return 128 + int(error.sigval)
    return 0


def first_to_go(failures: dict[int, ProcessFailure]) -> tuple[int, ProcessFailure]:
    """Rank and failure of the process whose end took the others of this machine with it.

    Times are known to the second only, so a process that was killed comes before those with an error.
    """

    def order(rank: int) -> tuple[bool, int, int]:
        code = failures[rank].exitcode
        return code >= 0 or code in FOLLOWING, failures[rank].timestamp, rank

    rank = min(failures, key=order)
    return rank, failures[rank]


def obituary(rank: int, exitcode: int, machine: str) -> str:
    """What happened to whom, and what to do."""
    if exitcode < 0:
        name = signal.Signals(-exitcode).name if -exitcode in set(signal.Signals) else "unknown"
        how = f"was ended by signal {-exitcode} ({name})"
        why = "Often the memory of the machine was full. " if exitcode == -signal.SIGKILL else ""
    else:
        how = f"stopped with exit status {exitcode}"
        why = "Its error stands above; after a lost connection look at the other machines first. "
    return (
        f"Rank {rank} on {machine} {how}, and the job ended with it. "
        f"{why}Start the same command again: a run with a checkpoint goes on from it."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
