"""Links, pictures and formulae in the course's texts: does each lead somewhere, and can it be read?"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
from bs4 import BeautifulSoup

from teachkit.course.declaration import Course
from teachkit.course.report.headings import HEADINGS, slug
from teachkit.course.report.markdown import markdown_to_html

HOST = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?")
TEXTS = ("*.md", "docs/**/*.md", "benchmarks/*.md", "studies/*.md")


def link_problems(course: Course) -> list[str]:
    """Links that lead nowhere, pictures without a text, and formulae that cannot be drawn.

    Addresses on the network are checked for their form only, so the check needs no network.
    """
    found: list[str] = []
    pages = [path for pattern in TEXTS for path in sorted(course.root.glob(pattern))]
    notebooks = [course.notebooks / lesson.file for lesson in course.lessons]
    pages += [path for path in notebooks if path.is_file()]
    soups = {path: soup for path in pages if (soup := _soup(path)) is not None}
    for path, soup in soups.items():
        name = path.relative_to(course.root).as_posix()
        found += [f"{name}: {complaint}" for complaint in _page_problems(path, soup)]
    return found


def _soup(path: Path) -> BeautifulSoup | None:
    """The page's HTML; None for a notebook that is no notebook, which another check reports."""
    if path.suffix == ".md":
        source = path.read_text(encoding="utf-8")
    else:
        try:
            notebook = nbformat.read(path, as_version=4)
        except (nbformat.ValidationError, nbformat.reader.NotJSONError):
            return None
        source = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return BeautifulSoup(markdown_to_html(source), "html.parser")


def _page_problems(path: Path, soup: BeautifulSoup) -> Iterator[str]:
    for formula in soup.select("code.formula"):
        yield f"the formula {formula.get_text()!r} cannot be drawn. Use common LaTeX commands."
    for symbol in soup.select("math mi"):
        if symbol.get_text().startswith("\\"):
            yield f"the command {symbol.get_text()} in a formula is not known. Use common LaTeX commands."
    for image in soup.find_all("img"):
        if not str(image.get("alt", "")).strip():
            yield f"the picture {image.get('src')} has no alternative text."
        yield from _address_problems(path, str(image.get("src", "")))
    for link in soup.find_all("a"):
        if link.get("href") and "anchor-link" not in (link.get("class") or []):
            yield from _address_problems(path, str(link["href"]))


def _address_problems(path: Path, address: str) -> Iterator[str]:
    if address.startswith(("data:", "attachment:", "mailto:")):
        return
    parts = urlsplit(address)
    if parts.scheme:
        if parts.scheme not in ("http", "https") or not HOST.fullmatch(parts.netloc) or " " in address:
            yield f"the address {address} is not well formed."
        return
    target = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
    if not target.exists():
        yield f"the link {address} leads to no file."
    elif parts.fragment and target.suffix in (".md", ".ipynb"):
        soup = _soup(target)
        if soup is not None and unquote(parts.fragment) not in _anchors(soup):
            yield f"the link {address} names a heading that is not in {target.name}."


def _anchors(soup: BeautifulSoup) -> set[str]:
    """Anchors as JupyterLab makes them (hyphens), as GitHub does (lower case too), and written ids."""
    found = {str(tag["id"]) for tag in soup.find_all(id=True)}
    for heading in soup.find_all(HEADINGS):
        text = heading.get_text().removesuffix("¶").strip()
        found.add(text.replace(" ", "-"))
        found.add(slug(text))
    return found
