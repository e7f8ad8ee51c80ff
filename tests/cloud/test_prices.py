"""The price table: every machine that a job can ask for has a price, and the parts add up."""

from datetime import date

import pytest

from teachkit.cloud import names, prices
from teachkit.errors import SettingsError, UnknownNameError


@pytest.mark.parametrize("short", names.ACCELERATORS)
def test_every_machine_that_a_job_can_ask_for_has_a_price(short: str) -> None:
    gpu = names.ACCELERATORS[short]
    found = [prices.hourly(machine, short, count).usd for count, machine in gpu.machines.items()]
    assert found == sorted(found)
    assert found[0] > prices.hourly("e2-standard-2").usd


def test_an_added_gpu_is_paid_and_a_built_in_one_is_in_the_price() -> None:
    bare = prices.hourly("n1-standard-8").usd
    assert prices.hourly("n1-standard-8", "t4", 2).usd == pytest.approx(bare + 2 * 0.35)
    assert prices.hourly("n1-standard-8", "NVIDIA_TESLA_T4").usd == pytest.approx(bare + 0.35)
    assert prices.hourly("g2-standard-8", "l4", 1).usd == prices.hourly("g2-standard-8").usd


def test_a_job_costs_more_than_its_machine_and_spot_less() -> None:
    bare = prices.hourly("g2-standard-8", "l4", 1)
    job = prices.hourly("g2-standard-8", "l4", 1, training=True)
    spot = prices.hourly("g2-standard-8", "l4", 1, spot=True, training=True)
    assert job.usd == pytest.approx(1.15 * bare.usd, abs=1e-4)
    assert spot.usd == pytest.approx(0.6 * job.usd, abs=1e-4)
    assert (bare.what, spot.what) == (
        "g2-standard-8, 1 x NVIDIA_L4",
        "g2-standard-8, 1 x NVIDIA_L4, Spot, as a job",
    )


def test_a_price_says_its_date_and_where() -> None:
    price = prices.hourly("projects/1/machineTypes/n1-standard-4")
    assert price.as_of >= date(2026, 11, 21)
    assert str(price) == f"0.19 $/h (n1-standard-4, us-central1, as known on {price.as_of:%Y-%m-%d})"


def test_what_is_not_in_the_table_is_not_guessed() -> None:
    with pytest.raises(
        UnknownNameError, match=r"'n1-standart-4' is not known\. Did you mean .*'n1-standard-4'"
    ):
        prices.hourly("n1-standart-4")
    with pytest.raises(UnknownNameError, match=r"accelerator 'NVIDIA_B200' is not known"):
        prices.hourly("n1-standard-4", "nvidia_b200", 1)


def test_cost_is_time_by_price_by_machines() -> None:
    price = prices.hourly("n1-standard-4")
    assert prices.cost(price, 1800) == pytest.approx(0.095)
    assert prices.cost(price, 1800, machines=3) == pytest.approx(0.285)
    with pytest.raises(SettingsError, match="-1 seconds"):
        prices.cost(price, -1)


@pytest.mark.parametrize(
    ("amount", "text"), [(0.0, "under 0.01 $"), (0.014, "0.01 $"), (9.994, "9.99 $"), (1234.5, "1,234 $")]
)
def test_an_amount_is_written_as_one_reads_it(amount: float, text: str) -> None:
    assert prices.dollars(amount) == text


def test_accelerators_go_by_both_names_and_a_misspelt_one_is_offered_another() -> None:
    assert names.accelerator("L4") is names.accelerator("NVIDIA_L4") is names.ACCELERATORS["l4"]
    assert names.accelerator("none") is None
    with pytest.raises(UnknownNameError, match=r"No accelerator 'a10'\. Did you mean 'a100'"):
        names.accelerator("a10")
