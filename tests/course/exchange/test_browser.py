"""JupyterLab in a real browser: the assignment list of a student, and formgrader, over the bucket."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest

from teachkit.cloud import BucketStore
from teachkit.course.exchange import names
from teachkit.course.exchange.attempts import hand_ins
from teachkit.course.exchange.names import FeedbackPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, FrameLocator, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]
HandedIn = Callable[[str], list[Any]]
PATIENCE_MS = 300_000  # the first pages of a JupyterLab compile its packages


@pytest.fixture
def lab(free_port: int, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """`lab(person)` is the address of a JupyterLab in that person's folder, with that person's settings."""
    started: list[subprocess.Popen[bytes]] = []
    log = tmp_path / "lab.log"

    def start(who: Any, *options: str) -> str:
        address = f"http://127.0.0.1:{free_port}"
        with log.open("wb") as file:
            server = who.process(
                "jupyterlab",
                "--allow-root",
                "--no-browser",
                "--ip=127.0.0.1",
                f"--port={free_port}",
                "--IdentityProvider.token=",
                *options,
                stdout=file,
                stderr=file,
            )
        started.append(server)
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < deadline:
            try:
                urlopen(f"{address}/api/status", timeout=5).close()
                return address
            except (URLError, OSError):
                assert server.poll() is None, log.read_text()
                time.sleep(0.3)
        raise AssertionError(log.read_text())

    yield start
    for server in started:
        server.terminate()
        server.wait(timeout=60)


@pytest.fixture
def page(browser: "Browser") -> Iterator["Page"]:
    """A window so high that JupyterLab's own notices, at the bottom, cover nothing."""
    opened = browser.new_page(viewport={"width": 1200, "height": 1600})
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


def choose(page: "Page", item: str) -> None:
    """Choose from the menu of nbgrader."""
    page.get_by_role("menuitem", name="Nbgrader").first.click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def row(page: "Page", which: str, assignment: str) -> "Locator":
    """The row of an assignment in one of the three lists."""
    return page.locator(f"#{which}_assignments_list > .list_item", has_text=assignment)


def confirm(form: "FrameLocator", message: str) -> None:
    """Read the message of formgrader, and close it."""
    form.locator(".modal-body", has_text=message).wait_for()
    form.locator(".modal-footer button", has_text="OK").last.click()
    form.locator(".modal-dialog").wait_for(state="hidden")


def test_a_student_fetches_hands_in_and_reads_feedback_by_clicking(
    lab: Callable[..., str],
    page: "Page",
    teacher: Any,
    person: Callable[..., Any],
    store: BucketStore,
    handed_in: HandedIn,
) -> None:
    ada = person("ada")
    page.goto(f"{lab(ada)}/lab")
    choose(page, "Assignment List")
    row(page, "released", "ps1").get_by_role("button", name="Fetch").click()
    row(page, "fetched", "ps1").wait_for()
    assert row(page, "released", "ps1").count() == 0
    notebook = nbformat.read(ada.path("ps1", "problem.ipynb"), as_version=4)
    notebook.cells[0].source = "answer = 42"
    nbformat.write(notebook, ada.path("ps1", "problem.ipynb"))

    row(page, "fetched", "ps1").get_by_role("button", name="Submit").click()
    row(page, "submitted", "ps1").wait_for()
    (one,) = handed_in("ada")
    stamp = f"{one.moment:%Y-%m-%d %H:%M:%S.%f} UTC"
    assert stamp in row(page, "submitted", "ps1").inner_text()

    store.create(names.feedback_page(FeedbackPage(one.attempt, "problem")), b"<p>well done</p>")
    row(page, "submitted", "ps1").get_by_role("button", name="Fetch Feedback").click()
    row(page, "submitted", "ps1").get_by_text("(view feedback)").first.wait_for()
    assert ada.path("ps1", "feedback", stamp, "problem.html").read_text() == "<p>well done</p>"


def test_an_instructor_collects_grades_and_gives_feedback_by_clicking(
    lab: Callable[..., str],
    page: "Page",
    person: Callable[..., Any],
    store: BucketStore,
) -> None:
    teacher, bob = person(), person("bob")
    assert teacher.nbgrader("generate_assignment", "ps2").code == 0
    page.goto(f"{lab(teacher)}/lab")
    choose(page, "Formgrader")
    form = page.frame_locator("iframe")
    line = form.locator("tr", has_text="ps2")

    line.locator(".release a").click()
    confirm(form, "Successfully released 'ps2'")
    line.get_by_text("released").wait_for()
    assert bob.nbgrader("fetch_assignment", "ps2").code == 0
    assert bob.nbgrader("submit", "ps2").code == 0

    line.locator(".collect a").click()
    confirm(form, "Successfully collected submissions of 'ps2'")
    line.locator(".num-submissions a", has_text="1").click()
    line = form.locator("tr", has_text="bob")
    line.locator(".autograde a").click()
    confirm(form, "Successfully autograded 'ps2' for student 'bob'")
    line.get_by_text("0 / 2").wait_for()
    line.locator(".generate-feedback a").click()
    confirm(form, "Successfully generated feedback for 'ps2' for student 'bob'")
    line.locator(".release-feedback a").click()
    confirm(form, "Successfully released feedback for 'ps2' for student 'bob'")
    (one,) = hand_ins(store, "teachkit", "bob", "ps2")
    assert b"0.0 / 2.0" in store.read(names.feedback_page(FeedbackPage(one.attempt, "problem")))

    form.get_by_role("link", name="Manual Grading").click()
    form.get_by_role("link", name="ps2").click()
    form.get_by_role("link", name="problem").click()
    form.get_by_role("link", name="Submission #1").wait_for()
    assert not form.get_by_text("bob").is_visible()
    form.get_by_role("link", name="Submission #1").click()
    form.get_by_text("Student's answer").first.wait_for()
    assert not form.get_by_text("bob").is_visible()
