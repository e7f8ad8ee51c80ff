"""The interactive self-check in a real browser: click an answer, read the feedback."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from teachkit.course.quizzes import read_strictly, show

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def page(browser, root, monkeypatch):
    """Chromium on a page made of what `show("01")` displays in a live notebook."""
    monkeypatch.delenv("TEACHKIT_HEADLESS", raising=False)
    InteractiveShell.instance()
    with capture_output() as captured:
        show("01", root=root)
    data = [output.data for output in captured.outputs]
    pages = [d.get("text/html") or f"<script>{d['application/javascript']}</script>" for d in data]
    opened = browser.new_page(viewport={"width": 900, "height": 1200})
    opened.set_content("<!DOCTYPE html><meta charset='utf-8'><body>" + "\n".join(pages))
    yield opened
    opened.close()


def test_each_answer_shows_its_own_feedback_when_clicked(page, root):
    questions = read_strictly(root / "quizzes" / "self_checks" / "01_classification.json")
    for question in [q for q in questions if q["type"] == "multiple_choice"][:2]:
        for answer in question["answers"]:
            page.locator(".MCButton", has_text=answer["answer"]).first.click()
            assert page.locator(".Feedback", has_text=answer["feedback"]).count() == 1


def test_a_typed_number_shows_its_feedback(page, root):
    questions = read_strictly(root / "quizzes" / "self_checks" / "01_classification.json")
    numeric = [q for q in questions if q["type"] == "numeric"]
    boxes = page.locator("input.Input-text")
    assert boxes.count() == len(numeric)
    boxes.first.fill(str(numeric[0]["answers"][0]["value"]))
    boxes.first.press("Enter")
    assert page.locator(".Feedback", has_text=numeric[0]["answers"][0]["feedback"]).count() == 1


def test_the_text_form_is_reached_by_keyboard(page):
    fold = page.locator("summary", has_text="The same questions as text").first
    fold.focus()
    page.keyboard.press("Enter")
    inner = page.locator("section.teachkit-self-check summary").first
    inner.focus()
    page.keyboard.press("Enter")
    assert page.locator("section.teachkit-self-check details[open]").count() == 1
    assert page.locator("section.teachkit-self-check details[open] p").is_visible()
