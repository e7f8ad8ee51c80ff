"""On what we run: one device, or every process of a job, as far as the machine can serve it."""

import pytest
import torch

from teachkit.errors import SettingsError
from teachkit.training.device import first_process, open_fabric


def test_more_processes_than_gpus_are_refused_with_the_number_to_start(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    with pytest.raises(SettingsError, match=r'4 processes .* which has 1 GPU\. Start 1, or use device="cpu"'):
        open_fabric("auto")


@pytest.mark.parametrize(("rank", "first"), [(None, True), ("0", True), ("1", False)])
def test_the_only_process_or_rank_0_is_the_first(monkeypatch, rank, first):
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    assert first_process() is first
