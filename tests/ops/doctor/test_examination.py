"""All checks together: none stops another, and torch is asked in a process of its own."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from teachkit.course.gpus import Driver, Gpu
from teachkit.course.machine import this_machine
from teachkit.errors import SettingsError
from teachkit.ops import doctor
from teachkit.ops.doctor import examination, gpu
from teachkit.ops.doctor.page import conclusion, plain_page

NAMES = ["python", "packages", "gpu", "course", "memory", "disk", "data", "buckets", "account", "place"]
NAMES += ["idle shutdown", "kernels", "nbgrader", "sandbox"]


class Asked:
    """torch on a machine without a GPU, without starting it."""

    def check(self, machine):
        return gpu.gpu_check(machine)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "TorchAsked", Asked)
    for name in ("TEACHKIT_DATA", "TEACHKIT_BUCKET", "TEACHKIT_EXCHANGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEACHKIT_OFFLINE", "1")


def answer(out: str = "", err: str = "", code: int = 0) -> gpu.TorchAsked:
    """torch, having said this."""
    asked = object.__new__(gpu.TorchAsked)
    asked._process = SimpleNamespace(communicate=lambda timeout=None: (out, err), returncode=code)
    return asked


def test_every_subject_is_looked_at_in_the_order_of_the_page(quick: None, root: Path) -> None:
    assert [check.name for check in doctor.examine(root)] == NAMES


def test_what_goes_wrong_in_one_check_stops_no_other(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of luck")

    def refused(*_: object, **__: object) -> None:
        raise SettingsError("Two sources.", "Unset one.")

    monkeypatch.setattr(examination, "kernels_check", broken)
    monkeypatch.setattr(examination, "data_check", refused)
    found = {check.name: check for check in doctor.examine()}
    assert list(found) == NAMES
    assert found["kernels"].state == "problem"
    assert "RuntimeError: out of luck" in found["kernels"].found
    assert (found["data"].found, found["data"].remedy) == ("Two sources.", "Unset one.")
    assert not doctor.summary(found.values())["ok"]


def test_a_silent_bucket_is_asked_once(quick: None, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    silence = examination.Check(examination.DATA_BUCKET, "problem", "gs://class gives no answer.")
    monkeypatch.setattr(examination, "bucket_checks", lambda root: [silence])
    monkeypatch.delenv("TEACHKIT_OFFLINE")
    monkeypatch.setenv("TEACHKIT_BUCKET", "gs://class")
    found = {check.name: check for check in doctor.examine(root)}
    assert found["data bucket"] == silence
    assert "could not be seen" in found["data"].found


def test_the_summary_is_for_programs(quick: None, tmp_path: Path) -> None:
    checks = doctor.examine(tmp_path)
    told = json.loads(json.dumps(doctor.summary(checks)))
    assert [set(check) for check in told["checks"]] == [{"name", "state", "found", "remedy", "details"}] * 14
    assert told["ok"] == all(check.state != "problem" for check in checks)
    states = {check["name"]: check["state"] for check in told["checks"]}
    assert states["course"] == "note"


def test_the_page_has_a_line_for_each_check_and_remedies_below(quick: None, root: Path) -> None:
    checks = [replace(check, state="note", remedy="Do so.") for check in doctor.examine(root)[:2]]
    page = plain_page(checks)
    assert page.count("→ Do so.") == 2
    assert page.endswith("no problems, 2 notes; everything else is well.\n")
    assert conclusion([replace(check, state="ok") for check in checks]) == "All well."


def test_torch_is_asked_in_a_process_of_its_own() -> None:
    asked = gpu.TorchAsked()
    machine = replace(this_machine(), driver=Driver())
    check = asked.check(machine)
    assert check.state == "ok"
    assert check.details["asked"]["version"] == machine.torch.version


def test_a_torch_that_cannot_be_loaded_is_a_problem_with_its_last_line() -> None:
    check = answer(err="Traceback ...\nImportError: libcudart.so.13: cannot open", code=1).check(
        this_machine()
    )
    assert check.state == "problem"
    assert "cannot be used: ImportError: libcudart.so.13" in check.found


@pytest.mark.parametrize(("works", "state"), [(True, "ok"), (False, "problem")])
def test_a_gpu_counts_when_torch_computes_on_it(works: bool, state: str) -> None:
    driver = Driver("580.65", (Gpu("NVIDIA L4", 22, 22, (8, 9)),), card=True)
    machine = replace(this_machine(), driver=driver)
    machine = replace(machine, torch=replace(machine.torch, cuda="13.2"))
    check = answer(json.dumps({"works": works})).check(machine)
    assert check.state == state
    assert ("does not compute on it" in check.found) == (not works)


def test_a_verdict_on_the_driver_stays_when_torch_sees_no_gpu() -> None:
    driver = Driver("535.1", (Gpu("NVIDIA L4", 22, 22, (8, 9)),), card=True)
    machine = replace(this_machine(), driver=driver)
    machine = replace(machine, torch=replace(machine.torch, cuda="13.2"))
    assert "driver 535.1 < 580" in answer('{"works": false}').check(machine).found


def test_without_the_extras_each_line_says_what_to_install(tmp_path: Path) -> None:
    code = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"psutil", "jupyter_core", "ipykernel", "nbgrader", "torch"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from teachkit.ops import doctor
import json
print(json.dumps(doctor.summary(doctor.examine())))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    for name in ("memory", "kernels", "nbgrader"):
        assert found[name]["state"] == "problem"
        assert 'pip install "teachkit[lessons]"' in found[name]["remedy"]
