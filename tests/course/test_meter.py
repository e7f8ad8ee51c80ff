"""What a lesson took, its price where the machine has one, and when the machine stops."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from teachkit.cloud import metadata, prices
from teachkit.course import meter
from teachkit.course.gpus import Driver, Gpu

HOUR = meter.Reading(seconds=3600, peak_gib=1.5, helpers=0, gpu_gib=None)


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "quick_driver", Driver)


def rows(reading: meter.Reading = HOUR) -> dict[str, str]:
    return dict(meter.meter_rows(reading))


def test_the_peak_stays_when_the_memory_has_been_given_back() -> None:
    code = (
        "from teachkit.course.meter import read_meter\n"
        "before = read_meter(0).peak_gib\n"
        "block = b'1' * (300 * 2**20)\n"
        "del block\n"
        "print(before, read_meter(0).peak_gib)"
    )
    # In a process of its own, because this one may have had a higher peak already.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = map(float, done.stdout.split())
    assert 0 < before < after - 0.2


def test_helpers_that_are_alive_count() -> None:
    code = "import time; block = bytearray(200 * 2**20); print('ready', flush=True); time.sleep(60)"
    alone = meter.read_meter(0)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as helper:
        assert helper.stdout is not None
        helper.stdout.readline()
        together = meter.read_meter(0)
        helper.kill()
    assert together.helpers == alone.helpers + 1
    assert together.peak_gib > alone.peak_gib + 0.19


def test_gpu_memory_is_asked_only_of_a_torch_that_has_used_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert meter.read_meter(0).gpu_gib is None
    cuda = SimpleNamespace(
        is_available=lambda: True,
        is_initialized=lambda: True,
        device_count=lambda: 2,
        max_memory_reserved=lambda index: (index + 1) * 2**30,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    reading = meter.read_meter(0)
    assert reading.gpu_gib == 3.0
    assert reading.record()["gpu_gib"] == 3.0
    assert "at most 3.0 GiB of GPU memory" in rows(reading)["This took"]
    cuda.is_initialized = lambda: False
    assert meter.read_meter(0).gpu_gib is None


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (meter.Reading(59.6, 0, 0, None), "1 min 0 s since the first cell"),
        (
            meter.Reading(7, 1.26, 1, None),
            "7 s since the first cell, at most 1.3 GiB of memory (with one helper",
        ),
        (meter.Reading(7, 1.26, 2, None), "(with 2 helper processes)"),
    ],
    ids=range(3),
)
def test_the_row_says_time_and_memory(reading: meter.Reading, said: str) -> None:
    assert said in rows(reading)["This took"]


def test_a_laptop_has_no_price_and_no_reminder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(metadata.HOST_VARIABLE, raising=False)
    monkeypatch.setattr(metadata, "PRODUCT", tmp_path / "none")
    assert list(rows()) == ["This took"]


def test_the_price_is_that_of_machine_and_gpu_with_the_date_of_the_table(
    metadata_server: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata_server(attributes={"proxy-mode": "mail", "idle-timeout-seconds": "5400"})
    plain = prices.hourly("n1-standard-4")
    assert str(plain) in rows()["Price"]
    monkeypatch.setattr(meter, "quick_driver", lambda: Driver("580.1", (Gpu("Tesla T4"),)))
    with_gpu = prices.hourly("n1-standard-4", "t4", 1)
    assert with_gpu.usd > plain.usd
    said = rows()["Price"]
    assert str(with_gpu) in said
    assert f"{with_gpu.as_of:%Y-%m-%d}" in said
    assert f"the time since the first cell: {prices.dollars(with_gpu.usd)}" in said


def test_a_job_has_the_price_of_a_job(
    metadata_server: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata_server()
    monkeypatch.setenv("CLUSTER_SPEC", "{}")
    price = prices.hourly("n1-standard-4", training=True)
    assert price.usd > prices.hourly("n1-standard-4").usd
    assert str(price) in rows()["Price"]


def test_a_machine_that_the_table_does_not_know_has_no_price(metadata_server: Callable[..., None]) -> None:
    metadata_server(machineType="projects/1/machineTypes/z9-huge-1")
    assert "z9-huge-1" in rows()["Price"]
    assert "not in our table" in rows()["Price"]


def test_only_workbench_has_the_reminder(metadata_server: Callable[..., None]) -> None:
    metadata_server()
    assert "When you stop" not in rows()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [("5400", "stops after 90 minutes"), ("0", "does not stop when idle"), ("", "180 minutes are usual")],
)
def test_the_reminder_says_when_the_instance_stops_and_how_to_stop_it(
    metadata_server: Callable[..., None], seconds: str, said: str
) -> None:
    metadata_server(attributes={"proxy-mode": "mail", "idle-timeout-seconds": seconds})
    assert said in rows()["When you stop"]
    assert "gcloud workbench instances stop ada --location=us-central1-a" in rows()["When you stop"]


def test_a_metadata_server_without_sense_ends_in_a_row(metadata_server: Callable[..., None]) -> None:
    metadata_server(answer="{")
    assert "not known. The metadata server" in rows()["Price"]
