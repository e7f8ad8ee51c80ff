"""mm-PT as a program, for jobs on GPUs and for several processes.

``python -m teachkit.cloud.launch -m teachkit.mmpt.job big --preset thesis --out FOLDER`` trains on every GPU
of every machine of a job. A program that was stopped goes on from its checkpoint when it is started again.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from teachkit import big, data
from teachkit.data.registry import DEFAULT_SIZE
from teachkit.mmpt.pretraining import pretrain
from teachkit.training.device import first_process
from teachkit.training.job import said_once, write_results

SUITE = "big"
# The settings of `pretrain` that a command line can give; what is not given is the preset's.
WORDS = (
    "backbone", "preset", "norm", "sampling", "optimizer", "schedule", "head_schedule", "domain_weights",
    "ordinal", "select", "weights", "device",
)  # fmt: skip
WHOLE = ("epochs", "steps", "seed", "size", "channels", "batch_size", "patience", "canvas")
NUMBERS = ("alpha", "lr", "head_lr", "weight_decay", "clip")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train one network on several sets; write checkpoint, network, and its scores on their test splits."""
    parser = argparse.ArgumentParser(
        prog="python -m teachkit.mmpt.job",
        description=main.__doc__,
        epilog="The other options are settings of teachkit.mmpt.pretrain, and mean what they mean there.",
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("domains", nargs="+", help=f"names of sets, or {SUITE} for its twelve")
    parser.add_argument("--out", type=Path, required=True, help="folder of what is written")
    for names, kind in ((WORDS, str), (WHOLE, int), (NUMBERS, float)):
        for name in names:
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind)
    given = vars(parser.parse_args(arguments))
    domains = [
        name
        for one in given.pop("domains")
        for name in (big.find_suite(one).names if one == SUITE else [one])
    ]
    with said_once():
        train(domains, given.pop("out"), given)


def train(domains: Sequence[str], out: Path, settings: dict[str, Any]) -> None:
    """Train, and let the first process write OUT/network.pt and OUT/results.json."""
    out.mkdir(parents=True, exist_ok=True)
    model = pretrain(domains, checkpoint=out / "checkpoint.pt", **settings)
    if not first_process():
        return
    model.save(out / "network.pt")
    size, device = settings.get("size", DEFAULT_SIZE), settings.get("device", "auto")
    found = {
        "settings": model.settings,
        "history": {"steps": model.history.steps, "best_epoch": model.history.best_epoch},
        "seconds": round(model.history.seconds, 1),
        "samples_per_s": round(model.history.samples_per_s, 1),
        "test": {name: model.evaluate(data.load(name, "test", size), device=device) for name in domains},
    }
    write_results(out / "results.json", device, found)
    print(f"{out}: {model.history}", flush=True)


if __name__ == "__main__":
    main()
