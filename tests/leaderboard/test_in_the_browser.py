"""A real browser and a real server: register, make a team, hand in, and find oneself on the board."""

import gzip
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import axe_core_python
import pytest

from teachkit import data
from teachkit.big import write_predictions

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
PASSWORD = "a long horse in winter"
AXE = Path(axe_core_python.__file__).with_name("axe.min.js")
SETS = ("ihc_contents", "fundus_vessels", "fundus_grades", "digits", "ihc_tissue")


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory) -> Path:
    """Where the server keeps its files."""
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="module")
def address(site_folder, need_tool):
    """The address of `teachkit site serve` in an empty folder, with its worker."""
    need_tool("chromium")
    port = _free_port()
    env = _environment(site_folder)
    log = (site_folder / "log").open("w")
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


def test_what_teams_and_admins_do_and_axe_finds_nothing_wrong(address, browser, prediction_file, site_folder):
    context = browser.new_context(viewport={"width": 1000, "height": 800}, color_scheme="dark")
    page = context.new_page()
    page.set_default_timeout(60_000)
    _register(page, address, "fox@example.org")
    page.get_by_label("Name of the team").fill("Foxes")
    page.get_by_role("button", name="Make a team").click()
    broken = site_folder / "broken.csv"
    lines = prediction_file.read_text().splitlines()
    broken.write_text("\n".join([lines[0], lines[1].replace(",0,", ",nan,", 1), *lines[2:]]))
    numbers = [_hand_in(page, address, file, name) for name, file in _entries(prediction_file, broken)]
    assert page.get_by_text("State: rejected").is_visible()
    assert page.get_by_role("cell", name="2", exact=True).first.is_visible()
    addresses = [
        "/",
        "/challenges/big/board/?size=224",
        "/challenges/course/board/?show=all",
        "/challenges/big/",
        "/challenges/course/submit/",
        "/scores/",
        "/datasets/",
        "/research/",
        "/about/",
        "/privacy/",
        "/profile/",
        "/profile/close/",
        "/team/",
        "/submissions/",
        f"/submissions/{numbers[0]}/",
        f"/submissions/{numbers[2]}/",
        f"/compare/?a={numbers[0]}&b={numbers[1]}",
    ]
    for one in addresses:
        page.goto(address + one)
        assert _violations(page) == [], one
    page.goto(f"{address}/submissions/{numbers[0]}/")
    figure = page.locator("details img").first
    page.locator("details summary").first.click()
    figure.scroll_into_view_if_needed()
    page.wait_for_function("one => one.complete && one.naturalWidth > 0", arg=figure.element_handle())
    assert _violations(page) == []
    page.get_by_label("Compare with").select_option(str(numbers[1]))
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("row", name="Mean").wait_for()
    with page.expect_download() as picture:
        page.get_by_role("link", name="AUC, lines, PNG").click()
    assert Path(picture.value.path()).read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as download:
        page.goto(f"{address}/challenges/course/board/")
        page.get_by_role("link", name="CSV").click()
    assert "Foxes" in Path(download.value.path()).read_text()
    context.close()
    _verify_as_admin(browser, address, site_folder, numbers[0])


def test_the_board_is_reached_and_filtered_by_keyboard_alone(address, browser):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{address}/challenges/big/board/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    for _ in range(3):  # submit, rules, image size
        page.keyboard.press("Tab")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Show").press("Enter")
    page.wait_for_url("**size=224**")
    assert page.get_by_role("row", name="VGG16").locator(".number").inner_text() == "0.9530"


def _entries(good: Path, broken: Path) -> list[tuple[str, Path]]:
    """Two files that can be scored, and one that cannot."""
    packed = good.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(good.read_bytes()))
    return [("first", good), ("second", packed), ("broken", broken)]


def _hand_in(page, address: str, file: Path, name: str) -> int:
    """Submit a file by the form, wait until it is settled, and give the number of the entry."""
    page.goto(f"{address}/challenges/course/submit/")
    page.get_by_label("Prediction file").set_input_files(file)
    page.get_by_label("Name of the model").fill(name)
    page.get_by_label("Link to a study").fill("https://example.org/paper")
    page.get_by_role("button", name="Submit").click()
    page.locator(".state-scored, .state-rejected").wait_for()
    return int(page.url.rstrip("/").rpartition("/")[2])


def _verify_as_admin(browser, address: str, folder: Path, number: int) -> None:
    """An account that runs the site logs in and verifies the paper; a stranger then sees the badge."""
    env = _environment(folder)
    command = [sys.executable, "-m", "teachkit.cli", "site", "admin", "boss@example.org"]
    subprocess.run([*command, "--password", PASSWORD], env=env, check=True, capture_output=True)
    page = browser.new_context().new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{address}/login/?next=/moderation/")
    page.get_by_label("E-mail address").fill("boss@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    assert "The same file as entry" in page.locator("main").inner_text()  # of the other test's team
    assert _violations(page) == []
    page.get_by_role("button", name="Settled").first.click()
    page.get_by_text("flags settled").wait_for()
    page.goto(f"{address}/moderation/")
    page.get_by_role("link", name="first", exact=True).click()
    page.get_by_label("Why").fill("read it")
    page.get_by_role("button", name="Paper verified").click()
    page.get_by_text(f"Entry {number}: paper verified.").wait_for()
    assert _violations(page) == []
    stranger = browser.new_context().new_page()
    stranger.goto(f"{address}/submissions/{number}/")
    assert stranger.locator(".badge").first.inner_text() == "paper verified"


def _violations(page) -> list[str]:
    """What axe finds by the rules of WCAG 2.1 AA and by its own best practice."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
    found = page.evaluate("rules => axe.run({runOnly: rules})", rules)
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]


def _register(page, address: str, email: str) -> None:
    page.goto(f"{address}/register/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("I have read").check()
    page.get_by_role("button", name="Make my account").click()
    page.locator("#mailed").click()
    page.get_by_role("button", name="Yes, confirm it").click()


def _environment(folder: Path) -> dict[str, str]:
    """Embedded sets, and the folder of the site; nothing of the tests around."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("TEACHKIT_", "DJANGO_"))}
    env.pop("DATABASE_URL", None)
    return env | {"TEACHKIT_OFFLINE": "1", "TEACHKIT_SITE": str(folder), "OMP_NUM_THREADS": "1"}


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
