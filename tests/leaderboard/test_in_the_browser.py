"""A real browser and a real server: register, make a team, hand in, and find oneself on the board."""

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from teachkit import data
from teachkit.big import write_predictions

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
SETS = ("ihc_contents", "fundus_vessels", "fundus_grades", "digits", "ihc_tissue")


@pytest.fixture(scope="module")
def address(tmp_path_factory, need_tool):
    """The address of `teachkit site serve` in an empty folder, with its worker."""
    need_tool("chromium")
    folder = tmp_path_factory.mktemp("site")
    port = _free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TEACHKIT_", "DJANGO_"))}
    env |= {"TEACHKIT_OFFLINE": "1", "TEACHKIT_SITE": str(folder), "OMP_NUM_THREADS": "1"}
    env.pop("DATABASE_URL", None)
    log = (folder / "log").open("w")
    command = [sys.executable, "-m", "teachkit.cli", "site", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/healthz", server)
        yield address
    finally:
        server.terminate()
        server.wait(60)
        log.close()


@pytest.fixture(scope="module")
def prediction_file(tmp_path_factory) -> Path:
    """A file for the suite of lesson 08, as the lesson writes it with the embedded sets."""
    import numpy as np

    with pytest.MonkeyPatch.context() as patch:
        for name in ("TEACHKIT_DATA", "TEACHKIT_BUCKET"):
            patch.delenv(name, raising=False)
        patch.setenv("TEACHKIT_OFFLINE", "1")
        tests = [data.load(name, "test") for name in SETS]
    rng = np.random.default_rng(0)
    made = {}
    for split in tests:
        classes = len(split.info.classes)
        truth = split.labels if split.info.task == "multi-label" else np.eye(classes)[split.labels[:, 0]]
        noisy = np.clip(0.5 * truth + rng.random((len(split), classes)), 0.01, 1.4) / 1.5
        made[split.info.name] = (
            noisy if split.info.task == "multi-label" else noisy / noisy.sum(axis=1, keepdims=True)
        )
    target = tmp_path_factory.mktemp("lesson") / "mixed.csv"
    return write_predictions(target, made, suite="course", splits=tests)


def test_from_registering_to_a_place_on_the_board(address, browser, prediction_file):
    page = browser.new_context(viewport={"width": 360, "height": 740}).new_page()
    page.set_default_timeout(60_000)
    _register(page, address, "owl@example.org")
    page.get_by_label("Name of the team").fill("Night owls")
    page.get_by_role("button", name="Make a team").click()
    page.goto(f"{address}/challenges/course/submit/")
    assert "You may submit 10 more now" in page.locator("#room").inner_text()
    page.get_by_label("Prediction file").set_input_files(prediction_file)
    page.get_by_label("Name of the model").fill("mixed batches")
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("State: scored").wait_for()
    page.goto(f"{address}/challenges/course/board/")
    row = page.locator("tr.mine")
    assert "mixed batches" in row.inner_text()
    assert row.locator(".place").inner_text() == "1"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def _register(page, address: str, email: str) -> None:
    page.goto(f"{address}/register/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill("a long horse in winter")
    page.get_by_label("I have read").check()
    page.get_by_role("button", name="Make my account").click()
    page.locator("#mailed").click()
    page.get_by_role("button", name="Yes, confirm it").click()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, server: subprocess.Popen) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert server.poll() is None, "the server has ended"
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(f"{url} does not answer")
