"""What an hour costs: the table ``prices.toml``, which carries its own date.

Prices are for orientation: they were not read from the vendor's page and are no bill. Machines of the
families g2 and a2 have their GPUs in the price; to others they are added.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from teachkit.cloud.names import ACCELERATORS
from teachkit.errors import SettingsError, UnknownNameError, nearest

WITH_GPUS = ("a2-", "a3-", "g2-")


@dataclass(frozen=True)
class Price:
    """US dollars an hour for one machine with what is in it, and the date of the table."""

    usd: float
    as_of: date
    region: str
    what: str

    def __str__(self) -> str:
        return f"{self.usd:.2f} $/h ({self.what}, {self.region}, as known on {self.as_of:%Y-%m-%d})"


@cache
def table() -> Mapping[str, Any]:
    """The content of ``prices.toml``."""
    return tomllib.loads(files("teachkit.cloud").joinpath("prices.toml").read_text(encoding="utf-8"))


def hourly(
    machine: str, accelerator: str = "none", count: int = 0, spot: bool = False, *, training: bool = False
) -> Price:
    """The price of one hour on `machine` with `count` times `accelerator`.

    Args:
        machine: Type of the machine, such as ``"n1-standard-4"``; a full resource path is fine too.
        accelerator: ``"none"``, our short name (``"l4"``) or the service's (``"NVIDIA_L4"``).
        count: How many of them; 0 with an accelerator means 1.
        spot: The price of spare capacity, which can be taken away.
        training: The price as a job of the training service instead of a bare machine.

    Raises:
        UnknownNameError: the table does not know the machine or the accelerator.
    """
    prices = table()
    machine = machine.rpartition("/")[2]
    if machine not in prices["machines"]:
        raise UnknownNameError(
            f"The price of the machine '{machine}' is not known.",
            nearest(machine, prices["machines"], "machines"),
            machine=machine,
        )
    usd, what = float(prices["machines"][machine]), [machine]
    if gpu := _service_name(accelerator):
        number = count or 1
        what.append(f"{number} x {gpu}")
        usd += 0.0 if machine.startswith(WITH_GPUS) else number * _each(gpu)
    for wanted, factor, word in ((spot, "spot", "Spot"), (training, "training", "as a job")):
        if wanted:
            usd *= prices[factor]
            what.append(word)
    return Price(round(usd, 4), prices["as_of"], prices["region"], ", ".join(what))


def cost(price: Price, seconds: float, machines: int = 1) -> float:
    """US dollars for `seconds` on so many machines.

    Raises:
        SettingsError: a negative time, which is a mistake of the caller.
    """
    if seconds < 0:
        raise SettingsError(f"{seconds} seconds cannot be paid.", "Give the elapsed time.", seconds=seconds)
    return price.usd * machines * seconds / 3600


def dollars(amount: float) -> str:
    """An amount as one reads it: cents up to ten dollars, whole dollars above."""
    if amount < 0.01:
        return "under 0.01 $"
    return f"{amount:.2f} $" if amount < 10 else f"{amount:,.0f} $"


def _service_name(accelerator: str) -> str:
    if accelerator.lower() in ("", "none"):
        return ""
    known = ACCELERATORS.get(accelerator.lower())
    return known.api if known else accelerator.upper().replace("-", "_")


def _each(gpu: str) -> float:
    prices = table()["accelerators"]
    if gpu not in prices:
        raise UnknownNameError(
            f"The price of the accelerator '{gpu}' is not known.",
            nearest(gpu.lower(), (name.lower() for name in prices), "accelerators"),
            accelerator=gpu,
        )
    return float(prices[gpu])
