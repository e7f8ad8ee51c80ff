"""Many independent runs: on this machine by joblib, or on the workers of a scheduler of dask.distributed."""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from platform import python_version
from typing import Any

from joblib import Parallel

from teachkit.errors import SettingsError, TrainingError
from teachkit.extras import need

ANSWER, PATIENCE = 10, 30  # seconds that a scheduler has to answer, and workers to report
# A number of another version may be another number, and objects travel between these as they are.
PACKAGES = ("teachkit", "torch", "numpy", "joblib", "cloudpickle", "distributed")


def results(
    tasks: Sequence[Any], jobs: int | None, cluster: str | None = None, ordered: bool = True
) -> Iterator[Any]:
    """What joblib's delayed `tasks` return, one by one.

    Args:
        tasks: runs that do not need each other.
        jobs: how many at the same time on this machine; None leaves it to joblib.
        cluster: address of a scheduler, such as tcp://10.0.0.2:8786, whose workers share the tasks instead. A
            task of a worker that dies goes to another one.
        ordered: False gives what ends first first.

    Raises:
        SettingsError: for an address where nobody answers, and for workers whose results could differ.
        TrainingError: when a task ends one worker after the other, or the scheduler is gone.
    """
    way = "generator" if ordered else "generator_unordered"
    with _client(cluster) as client:
        if client is None:
            # Arrays go to other processes as they are: mapped into files they would not live on the device.
            yield from Parallel(n_jobs=jobs, return_as=way, max_nbytes=None)(tasks)
            return
        kept: dict[int, Any] = {}
        place = 0
        for number, found in _as_they_end(client, tasks):
            if not ordered:
                yield found
                continue
            kept[number] = found
            while place in kept:
                yield kept.pop(place)
                place += 1


def _as_they_end(client: Any, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Number and result of each task, as the workers of `client` end them.

    Not through joblib's back-end for dask, which waits for ever when a task has ended all its workers.
    """
    distributed, pack = need("distributed", "cluster"), need("cloudpickle", "cluster").dumps
    waiting = enumerate(tasks)
    sent: dict[Any, int] = {}  # future to number
    ending = distributed.as_completed([], loop=client.loop)

    def send() -> None:
        """So many tasks that no worker has to wait, and not all, for they may hold pictures."""
        room = 2 * len(client.nthreads()) + 1 - len(sent)
        for number, task in islice(waiting, max(room, not sent)):
            future = client.submit(_unpacked, pack(task), pure=False)
            sent[future] = number
            ending.add(future)

    send()
    for future in ending:
        found = future.result()
        yield sent.pop(future), found
        send()


def _unpacked(packed: bytes) -> Any:
    """Run a task that was packed on another machine.

    A worker that cannot read what it is sent never answers; one that cannot read this raises an error.
    """
    function, args, kwargs = pickle.loads(packed)
    return function(*args, **kwargs)


@contextmanager
def _client(address: str | None) -> Iterator[Any]:
    """A client of the scheduler at `address`, whose workers fit; None where no address is given."""
    if address is None:
        yield None
        return
    distributed = need("distributed", "cluster")
    try:
        client = distributed.Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"No scheduler of dask answers at '{address}' ({type(error).__name__}).",
            "Start one with `dask scheduler` and workers with `dask worker ADDRESS`, and give its address.",
            address=address,
        ) from error
    with client:
        _refuse_unfit(client, address)
        try:
            yield client
        except ModuleNotFoundError as error:
            raise SettingsError(
                f"A worker cannot import '{error.name}', which a run needs.",
                "Install it there, or start the workers with PYTHONPATH set to the folder that holds it.",
                module=error.name,
            ) from error
        except distributed.KilledWorker as error:
            raise TrainingError(
                f"A run ended one worker after the other, the last one at {error.last_worker.address}.",
                "Look at that worker's last lines: most often its memory was full. Runs kept in files stay.",
                worker=error.last_worker.address,
            ) from error
        except (CancelledError, distributed.comm.CommClosedError) as error:
            raise TrainingError(
                f"The scheduler at '{address}' is gone, and took the runs under way with it.",
                "Start it and its workers anew, then give the same command: runs kept in files stay.",
                address=address,
            ) from error


def _refuse_unfit(client: Any, address: str) -> None:
    """Raise SettingsError unless there are workers, with one thread and our versions."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise SettingsError(
            f"The scheduler at '{address}' has no workers.",
            f"On each machine: dask worker {address} --nthreads 1 --nworkers NUMBER",
            address=address,
        ) from error
    threads = client.nthreads()
    if wide := [worker for worker, count in threads.items() if count != 1]:
        raise SettingsError(
            f"The worker {wide[0]} has {threads[wide[0]]} threads, whose runs would share random numbers.",
            f"Start it with one: dask worker {address} --nthreads 1 --nworkers NUMBER",
            worker=wide[0],
        )
    try:
        found = client.run(versions)
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"The workers of '{address}' cannot import '{error.name}'.",
            "Start them in an environment with teachkit and the lock file of this machine.",
            address=address,
        ) from error
    refuse_other_versions(versions(), found)


def versions() -> dict[str, str]:
    """What decides numbers here."""
    found = {"python": python_version().rpartition(".")[0]}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a package that a worker lacks is a difference as well
            found[name] = "none"
    return found


def refuse_other_versions(ours: Mapping[str, str], theirs: Mapping[str, Mapping[str, str]]) -> None:
    """Raise SettingsError for the first worker that has other versions than this machine.

    Args:
        ours: name to version.
        theirs: address of a worker to the same.
    """
    for worker, found in theirs.items():
        if other := {name: found.get(name, "none") for name in ours if found.get(name) != ours[name]}:
            listed = ", ".join(f"{name} {mine} and not {ours[name]}" for name, mine in other.items())
            raise SettingsError(
                f"The worker {worker} has {listed}.",
                "Install the same requirements.lock on all machines, and start the workers again.",
                worker=worker,
                differs=other,
            )
