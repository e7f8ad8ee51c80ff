"""The report: complete, whole without a network, and readable by keyboard and screen reader."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from teachkit.course.declaration import Course
from teachkit.course.outcome import conclude
from teachkit.course.report import write_report
from teachkit.course.report.site import _duration
from teachkit.course.runner import Status

pytestmark = pytest.mark.xdist_group("executed lessons")
Executed = tuple[Course, Path, dict[str, Status]]
LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "video": "src"}


@pytest.fixture(scope="module")
def site(executed: Executed) -> Path:
    """The folder of the report about the executed lessons."""
    course, out, _ = executed
    return write_report(conclude(course, course.lessons, out, grade=False), out).parent


def page(site: Path, name: str) -> BeautifulSoup:
    return BeautifulSoup((site / f"{name}.html").read_text(), "html.parser")


def test_there_is_an_index_and_a_page_for_each_executed_notebook(site: Path) -> None:
    assert {path.name for path in site.glob("*.html")} == {
        "index.html",
        "good.html",
        "raises.html",
        "misses_band.html",
        "uses_memory.html",
        "records_nothing.html",
        "reads_good.html",
        "tells_environment.html",
        "kills_its_kernel.html",
        "text-docs-notes.html",
    }


def test_nothing_is_loaded_from_a_network(site: Path) -> None:
    for path in site.glob("*.html"):
        soup = page(site, path.stem)
        addresses = [str(tag.get(name, "")) for kind, name in LOADING.items() for tag in soup.find_all(kind)]
        styles = " ".join(tag.get_text() for tag in soup.find_all("style"))
        addresses += re.findall(r"url\(([^)]*)\)|@import\s+(\S+)", styles)
        assert not [address for address in addresses if re.match(r"(https?:)?//", str(address))], path.name
        assert not soup.find_all("script"), path.name


def test_every_local_address_leads_to_a_file_and_every_anchor_to_an_id(site: Path) -> None:
    for path in site.glob("*.html"):
        soup = page(site, path.stem)
        links = [str(tag["href"]) for tag in soup.find_all("a", href=True)]
        links += [str(tag["src"]) for tag in soup.find_all("img", src=True)]
        for link in links:
            if link.startswith(("http", "data:")):
                continue
            file, _, anchor = link.partition("#")
            assert not file or (site / file).is_file(), (path.name, link)
            if anchor and anchor not in ("lesson-t6",):
                target = page(site, Path(file).stem) if file else soup
                assert target.find(id=anchor), (path.name, link)


def test_ids_on_a_page_are_unique(site: Path) -> None:
    for path in site.glob("*.html"):
        ids = [tag["id"] for tag in page(site, path.stem).find_all(id=True)]
        assert len(ids) == len(set(ids)), path.name


def test_the_index_tells_status_seconds_memory_numbers_and_figures(site: Path) -> None:
    soup = page(site, "index")
    cards = {str(card["id"]): " ".join(card.get_text(" ").split()) for card in soup.select("article")}
    assert "passed" in cards["lesson-t1"]
    assert re.search(r"Time [\d.]+ s of 5 s", cards["lesson-t1"])
    assert re.search(r"Peak memory 0\.\d+ GiB of 0.5 GiB", cards["lesson-t1"])
    assert "band 0.45 to 0.55" in cards["lesson-t1"]
    assert "failed" in cards["lesson-t2"]
    assert "the third code cell fails on purpose" in cards["lesson-t2"]
    assert "✗ missed" in cards["lesson-t3"]
    assert "'score' is 0.99, outside its band range" in cards["lesson-t3"]
    assert [image["alt"] for image in soup.select("#lesson-t1 .thumbnails img")] == ["A blue rectangle"]
    assert "4 of 9 lessons are well" in soup.get_text(" ")


def test_a_range_bar_says_its_sentence_and_marks_a_miss(site: Path) -> None:
    soup = page(site, "index")
    titles = [title.get_text() for title in soup.select("#lesson-t3 svg title")]
    assert "'score' is 0.99, outside its band range of 0.45 to 0.55." in titles
    assert soup.select("#lesson-t3 circle.missed")
    assert not soup.select("#lesson-t1 circle.missed")


def test_a_page_has_language_title_skip_link_one_main_and_one_first_heading(site: Path) -> None:
    for path in site.glob("*.html"):
        soup = page(site, path.stem)
        assert soup.html is not None
        assert soup.html["lang"] == "en"
        assert soup.title is not None
        assert len(soup.find_all("main")) == 1
        assert soup.find("a", class_="skip")["href"] == "#main"
        assert len(soup.find_all("h1")) == 1, path.name
        assert all(image.get("alt") for image in soup.find_all("img")), path.name


def test_a_lesson_page_leads_to_its_neighbours_its_headings_and_the_report(site: Path) -> None:
    soup = page(site, "raises")
    top = soup.find("nav", class_="steps")
    assert [link["href"] for link in top.find_all("a")] == [
        "good.html",
        "index.html#lesson-t2",
        "misses_band.html",
    ]
    contents = [link.get_text() for link in soup.select("nav.contents a")]
    assert contents == ["Objectives", "Prerequisites", "Clean up", "References"]


def test_formulae_are_drawn_without_script(site: Path) -> None:
    assert page(site, "good").select("math msup")


def test_deeper_cells_are_folded_under_their_heading(site: Path) -> None:
    (fold,) = page(site, "good").select("details.deeper")
    assert fold.find("summary").get_text(" ", strip=True).startswith("Deeper one more number")
    assert "course.record" in fold.get_text()
    assert "closing" not in fold.get_text()


def test_a_failed_page_shows_the_error_and_no_marker_of_the_engine(site: Path) -> None:
    soup = page(site, "raises")
    assert "the third code cell fails on purpose" in soup.select_one(".problem").get_text()
    assert "ValueError" in soup.select_one(".output_error").get_text()
    assert "An Exception was encountered" not in soup.get_text()


def test_links_of_the_notebook_lead_to_pages_of_the_report(site: Path) -> None:
    assert page(site, "good").find("a", string="the notes")["href"] == "text-docs-notes.html#a-heading"
    assert page(site, "text-docs-notes").find(id="a-heading")


def test_the_keyboard_reaches_code_that_scrolls(site: Path) -> None:
    areas = page(site, "good").select(".input_area")
    assert areas
    assert all(area["tabindex"] == "0" and area["aria-label"].startswith("Code In [") for area in areas)


def test_writing_again_replaces_the_whole_report(executed: Executed, tmp_path: Path) -> None:
    course, out, _ = executed
    outcome = conclude(course, course.select(["t1"]), out, grade=False)
    index = write_report(outcome, tmp_path)
    (index.parent / "stale.html").touch()
    assert write_report(outcome, tmp_path) == index
    assert not (index.parent / "stale.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(8.24, "8.2 s"), (30, "30 s"), (200.2, "3 min 20 s"), (479.7, "8 min 0 s")]
)
def test_times_are_said_in_minutes_and_seconds(seconds: float, words: str) -> None:
    assert _duration(seconds) == words
