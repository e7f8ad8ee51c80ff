"""A reader opens the course report: no network, no scrolling sideways, by keyboard, light and dark."""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("lessons")]


@pytest.fixture(scope="module")
def report(course_build: Path) -> Path:
    return course_build / "report"


@pytest.mark.parametrize("width", [360, 1100])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways_or_asks_the_network(report, browser, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in sorted(report.glob("*.html")):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name
    page.close()
    assert asked
    assert all(url.startswith(("file:", "data:")) for url in asked)


def test_dark_pages_are_dark_and_light_pages_light(report, browser):
    def brightness(scheme):
        page = browser.new_page(color_scheme=scheme)
        page.goto((report / "index.html").as_uri())
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.close()
        return sum(int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")[:3])

    assert brightness("dark") < 200 < 600 < brightness("light")


def test_from_the_index_to_a_lesson_and_back_by_clicks(report, browser):
    page = browser.new_page()
    page.goto((report / "index.html").as_uri())
    page.get_by_role("link", name="Classification").first.click()
    assert page.url.endswith("01_classification.html")
    assert page.locator("h1").first.inner_text().startswith("01 Classification")
    page.get_by_role("link", name="Report").first.click()
    assert page.url.endswith("index.html#lesson-01")
    page.close()


def test_the_first_tab_stop_skips_to_the_content(report, browser):
    page = browser.new_page()
    page.goto((report / "01_classification.html").as_uri())
    page.keyboard.press("Tab")
    focused = page.evaluate(
        "document.activeElement.textContent + document.activeElement.getAttribute('href')"
    )
    assert "#" in focused
    assert "skip" in focused.lower()
    page.close()


def test_every_picture_loads_and_says_in_words_what_it_shows(report, browser):
    page = browser.new_page()
    page.goto((report / "01_classification.html").as_uri())
    pictures = page.evaluate("[...document.images].map(i => [i.alt, i.naturalWidth])")
    page.close()
    assert len(pictures) >= 8
    assert all(len(alt) > 20 and width > 0 for alt, width in pictures)
