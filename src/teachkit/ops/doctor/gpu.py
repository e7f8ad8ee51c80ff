"""Do torch, the driver and the GPU work together? torch itself is asked, in a process of its own."""

import json
import subprocess
import sys
from dataclasses import replace

from teachkit.course.condition import Check, gpu_check
from teachkit.course.machine import Machine

PATIENCE_S = 60  # the first import of torch from a slow disk takes long
SCRIPT = """
import json, torch
there = torch.cuda.is_available()
works = there and (torch.ones(2, device="cuda") * 2).sum().item() == 4
said = {"version": torch.__version__, "cuda": torch.version.cuda, "gpus": torch.cuda.device_count()}
print(json.dumps({**said, "works": works}))
"""


class TorchAsked:
    """A process that imports torch and computes four on the GPU; begun early, because it takes seconds."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def check(self, machine: Machine) -> Check:
        """The verdict over the facts of `machine` and what torch says."""
        judged = gpu_check(machine)
        said, error = self._answer()
        if error and machine.torch.version:
            return replace(
                judged,
                state="problem",
                found=f"torch {machine.torch.version} cannot be used: {error}",
                remedy="Install the environment again: make .venv/ready in the folder of the course.",
            )
        if judged.state == "ok" and machine.driver.version and not said.get("works"):
            return replace(
                judged,
                state="problem",
                found=f"{judged.found} But torch does not compute on it.",
                remedy="Restart the machine; if it stays, send the output of nvidia-smi to your instructor.",
                details={**judged.details, "asked": said},
            )
        return replace(judged, details={**judged.details, "asked": said})

    def _answer(self) -> tuple[dict[str, object], str]:
        """(what torch says, "") or ({}, the last line of its error)."""
        try:
            out, err = self._process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return {}, f"it did not load within {PATIENCE_S} seconds."
        if self._process.returncode:
            return {}, (err.strip().splitlines() or ["its process ended without a word."])[-1]
        return json.loads(out.splitlines()[-1]), ""
