"""Write the site: an index of lessons and numbers, a page per executed notebook and per linked text."""

import io
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image
from pygments.formatters import HtmlFormatter

from teachkit.course.bands import Finding
from teachkit.course.outcome import LessonOutcome, Outcome
from teachkit.course.report.bars import number, range_bar
from teachkit.course.report.headings import name_headings
from teachkit.course.report.markdown import markdown_to_html
from teachkit.course.report.pages import Figure, Page, relink, render

THUMBNAIL_WIDTH = 360  # pixels; drawn at 180
THUMBNAILS = 8


@dataclass(frozen=True)
class Row:
    """One recorded number on the index: value, picture of its range, and what was expected."""

    name: str
    value: str
    interval: str
    bar: Markup
    expected: str
    verdict: str
    sentence: str


@dataclass(frozen=True)
class Thumbnail:
    """A small picture that leads to the large one."""

    src: str
    href: str
    alt: str
    width: int
    height: int


@dataclass
class Site:
    """The files of one report and the way from source addresses to them."""

    outcome: Outcome
    folder: Path
    texts: dict[Path, str] = field(default_factory=dict)  # linked Markdown files and their pages

    def link(self, origin: Path) -> Callable[[str], str | None]:
        """The function that turns addresses relative to the folder `origin` into addresses in the report."""

        def find(address: str) -> str | None:
            parts = urlsplit(address)
            target = Path(os.path.normpath(origin / unquote(parts.path)))
            # notebooks keep JupyterLab's anchors, Markdown pages have GitHub's
            fragment = parts.fragment.lower() if target.suffix == ".md" else parts.fragment
            anchor = f"#{fragment}" if fragment else ""
            for lesson in self.outcome.lessons:
                if target == self.outcome.course.notebooks / lesson.lesson.file and lesson.executed:
                    return f"{lesson.lesson.stem}.html{anchor}"
            if not target.is_file() or not target.is_relative_to(self.outcome.course.root):
                return None
            if target.suffix == ".md":
                name = "-".join(target.relative_to(self.outcome.course.root).with_suffix("").parts)
                return self.texts.setdefault(target, f"text-{name}.html") + anchor
            if target.suffix in (".png", ".jpg", ".svg"):
                copy = self.folder / "files" / target.name
                copy.parent.mkdir(exist_ok=True)
                shutil.copyfile(target, copy)
                return f"files/{target.name}"
            return None

        return find


def write_report(outcome: Outcome, out: Path) -> Path:
    """Write ``out/report`` anew and return its index; the old report stays until the new one is whole."""
    target = out / "report"
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".report.", dir=out) as temporary:
        fresh = Path(temporary) / "report"
        fresh.mkdir()
        _write_site(Site(outcome, fresh))
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    return target / "index.html"


def _write_site(site: Site) -> None:
    environment = _environment()
    outcome = site.outcome
    pages = {
        lesson.lesson.id: render(lesson.executed, link=site.link(outcome.course.notebooks))
        for lesson in outcome.lessons
        if lesson.executed
    }
    shown = [lesson for lesson in outcome.lessons if lesson.executed]
    common = {"course": outcome.course, "style": _style(), "written": datetime.now(UTC)}
    for position, lesson in enumerate(shown):
        _write(
            site.folder / f"{lesson.lesson.stem}.html",
            environment.get_template("lesson.html.j2").render(
                common,
                outcome=lesson,
                page=pages[lesson.lesson.id],
                previous=shown[position - 1] if position else None,
                following=shown[position + 1] if position + 1 < len(shown) else None,
            ),
        )
    entries = []
    for lesson in outcome.lessons:
        page = pages.get(lesson.lesson.id)
        thumbnails = _thumbnails(site.folder, lesson, page) if page else []
        entries.append((lesson, [_row(finding, lesson) for finding in lesson.findings], thumbnails))
    _write_texts(site, environment, common)
    index = environment.get_template("index.html.j2")
    _write(site.folder / "index.html", index.render(common, outcome=outcome, entries=entries))


def _write_texts(site: Site, environment: Environment, common: dict[str, Any]) -> None:
    """Write a page for each linked Markdown file; these may link to further ones, hence the loop."""
    written: set[Path] = set()
    while todo := [path for path in site.texts if path not in written]:
        for path in todo:
            soup = BeautifulSoup(markdown_to_html(path.read_text(encoding="utf-8")), "html.parser")
            name_headings(soup, as_github=True)
            relink(soup, site.link(path.parent))
            heading = soup.find("h1")
            title = heading.get_text(" ", strip=True).rstrip("¶ ") if heading else path.stem
            template = environment.get_template("text.html.j2")
            _write(
                site.folder / site.texts[path], template.render(common, title=title, body=Markup(str(soup)))
            )
            written.add(path)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("teachkit.course.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    environment.filters["duration"] = _duration
    environment.filters["safe_html"] = Markup
    return environment


def _style() -> Markup:
    """The style sheet with code colours for light and dark screens."""
    source = Path(__file__).with_name("templates") / "style.css"
    light = HtmlFormatter(style="xcode").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    return Markup(
        f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{source.read_text(encoding='utf-8')}"
    )


def _row(finding: Finding, lesson: LessonOutcome) -> Row:
    recorded = lesson.results["values"].get(finding.name, {})
    interval = recorded.get("interval")
    bar = Markup()
    if finding.low is not None and finding.high is not None and finding.value is not None:
        values = finding.value if isinstance(finding.value, list) else [finding.value]
        bar = range_bar(values, finding.low, finding.high, interval=interval, label=finding.sentence)
    if finding.low is None or finding.high is None:
        expected = "fixed by construction"
    else:
        expected = f"{finding.kind} {number(finding.low)} to {number(finding.high)}"
    return Row(
        name=finding.name,
        value=number(finding.value) if finding.value is not None else "–",
        interval=f"{number(interval[0])} to {number(interval[1])}" if interval else "",
        bar=bar,
        expected=expected,
        verdict=finding.verdict,
        sentence=finding.sentence,
    )


def _thumbnails(folder: Path, lesson: LessonOutcome, page: Page) -> list[Thumbnail]:
    found = []
    for figure in page.figures[:THUMBNAILS]:
        name = f"files/{lesson.lesson.stem}-{figure.anchor}.png"
        width, height = _shrink(figure, folder / name)
        found.append(Thumbnail(name, f"{lesson.lesson.stem}.html#{figure.anchor}", figure.alt, width, height))
    return found


def _shrink(figure: Figure, target: Path) -> tuple[int, int]:
    """Write a small copy of `figure`; returns its width and height in pixels."""
    target.parent.mkdir(exist_ok=True)
    with Image.open(io.BytesIO(figure.data)) as picture:
        picture.thumbnail((THUMBNAIL_WIDTH, THUMBNAIL_WIDTH), Image.Resampling.LANCZOS)
        picture.save(target, optimize=True)
        return picture.size


def _duration(seconds: float) -> str:
    """Seconds in words: "8.2 s", "3 min 20 s"."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds % 1 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def _write(path: Path, html: str) -> None:
    path.write_text(re.sub(r"\n{3,}", "\n\n", html), encoding="utf-8")
