"""A training step of three networks as one union: the fast way, the definition, and three plain networks.

Processor time and memory on one thread. Memory is measured in a process of its own for each way.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

import torch
from timing import in_turns, report
from torch import Tensor, nn
from torch.nn import functional as F

from teachkit import graphs, ugnn
from teachkit.ugnn import definition

PLAIN, FAST, SLOW = "three plain torch networks", "uGNN", "uGNN, definition edge by edge"
SETTINGS = {  # file: channels, classes, images a batch, ways, rounds, steps a round
    "union": (1, 10, 64, (PLAIN, FAST, SLOW), 15, 5),
    "union_colour": (3, 9, 64, (PLAIN, FAST), 15, 5),
    "union_large": (1, 10, 1024, (PLAIN, FAST), 9, 1),
    "union_large_colour": (3, 9, 1024, (PLAIN, FAST), 9, 1),
}


def step_of(way: str, channels: int, classes: int, batch: int) -> Callable[[], None]:
    """One training step: forward, backward, AdamW; all ways use the same fused optimiser."""
    torch.manual_seed(0)
    x, labels = torch.randn(batch, channels, 28, 28), torch.randint(classes, (batch,))
    networks = list(ugnn.reference_networks(channels, classes).values())
    model: nn.Module = nn.ModuleList(networks)
    if way == PLAIN:
        outputs: Callable[[], list[Tensor]] = lambda: [network(x) for network in networks]  # noqa: E731
    else:
        union = graphs.unite([graphs.model_graph(network, x[:1]) for network in networks])
        model = union_model = ugnn.UGNN(union)
        outputs = (lambda: union_model(x)) if way == FAST else (lambda: definition.forward(union_model, x))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        torch.stack([F.cross_entropy(out, labels) for out in outputs()]).mean().backward()
        optimizer.step()

    return step


def megabytes(line: str) -> float:
    """Memory of this process: VmRSS now, VmHWM the most since it was last reset."""
    entries = dict(entry.split(":", 1) for entry in Path("/proc/self/status").read_text().splitlines())
    return int(entries[line].split()[0]) / 1024


def memory(way: str, file: str) -> float:
    """Megabytes that three steps add to a fresh process that is ready for them."""
    asked = [sys.executable, __file__, way, file]
    found = subprocess.run(asked, capture_output=True, text=True, check=True)
    return float(json.loads(found.stdout))


def measure_memory(way: str, file: str) -> None:
    """In a process of its own: print the megabytes."""
    channels, classes, batch, *_ = SETTINGS[file]
    step = step_of(way, channels, classes, batch)
    step_of(PLAIN, 1, 10, 2)()  # torch's own libraries are loaded by the first step
    Path("/proc/self/clear_refs").write_text("5")  # forget the most that was held before
    before = megabytes("VmRSS")
    for _ in range(3):
        step()
    print(megabytes("VmHWM") - before)


def main() -> None:
    """All settings, or with two words the memory of one way in one of them."""
    torch.set_num_threads(1)
    if sys.argv[1:]:
        measure_memory(*sys.argv[1:])
        return
    for file, (channels, classes, batch, ways, rounds, steps) in SETTINGS.items():
        work = {way: several(step_of(way, channels, classes, batch), steps) for way in ways}
        timings = in_turns(work, rounds, clock=process_time)
        title = (
            f"Training {'a step' if steps == 1 else f'{steps} steps'} of three networks as one union, "
            f"{channels}×28×28, {batch} images, 1 thread, processor time"
        )
        added = {way: {"megabytes_added": round(memory(way, file))} for way in ways}
        report(file, title, PLAIN, timings, added)


def several(step: Callable[[], None], steps: int) -> Callable[[], None]:
    """So many steps, for a clock that is too coarse for one."""

    def run() -> None:
        for _ in range(steps):
            step()

    return run


if __name__ == "__main__":
    main()
