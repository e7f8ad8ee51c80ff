"""Whose end ended a job: the process that went first, not those that lost their partner."""

import signal

import pytest
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from teachkit.training.torchrun import first_to_go, obituary


def failure(exitcode: int, second: int) -> ProcessFailure:
    found = ProcessFailure(local_rank=0, pid=1, exitcode=exitcode, error_file="")
    found.timestamp = second
    return found


@pytest.mark.parametrize(
    ("codes", "first"),
    [
        ({0: (1, 7), 1: (-9, 7)}, 1),  # rank 0 lost its partner within the second
        ({0: (-6, 6), 1: (-15, 6), 2: (-11, 7)}, 2),  # aborted and asked to stop, because 2 crashed
        ({0: (1, 8), 3: (1, 7)}, 3),
        ({0: (-15, 7), 1: (1, 7)}, 0),
    ],
)
def test_a_process_that_was_killed_goes_before_those_that_followed(codes, first):
    rank, found = first_to_go({rank: failure(*code) for rank, code in codes.items()})
    assert (rank, found.exitcode) == (first, codes[first][0])


def test_the_sentence_names_rank_machine_and_signal():
    said = obituary(3, -signal.SIGKILL, "gpu-vm (machine 1 of 2)")
    assert said.startswith("Rank 3 on gpu-vm (machine 1 of 2) was ended by signal 9 (SIGKILL)")
    assert "memory" in said
    assert "memory" not in obituary(3, -signal.SIGSEGV, "vm")
    assert "signal 63 (unknown)" in obituary(0, -63, "vm")
    assert "exit status 1" in obituary(0, 1, "vm")
