"""One executed notebook as the body of a page: cells, outline and figures."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from bs4 import BeautifulSoup, Tag
from nbconvert.exporters.html import HTMLExporter
from traitlets.config import Config

from teachkit.course.report.headings import Heading, name_headings
from teachkit.course.report.markdown import markdown_to_html

ERROR_MARKERS = {"papermill-error-cell-tag"}
DRAWABLE = ["text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain"]
INLINE_IMAGE = re.compile(r"data:image/(?P<kind>png|jpeg);base64,(?P<data>.+)", re.DOTALL)
NO_ALT = "No description has been provided for this image"  # what nbconvert writes for a missing text


@dataclass(frozen=True)
class Figure:
    """A picture that a cell showed: its bytes, its alternative text and where it stands on the page."""

    anchor: str
    alt: str
    kind: str
    data: bytes


@dataclass(frozen=True)
class Page:
    """The body of a notebook page."""

    body: str
    outline: tuple[Heading, ...]
    figures: tuple[Figure, ...]


class Exporter(HTMLExporter):
    """nbconvert's plain HTML, without widgets and scripts, which would need a network."""

    @property
    def default_config(self) -> Config:
        config = super().default_config
        config.NbConvertBase.display_data_priority = DRAWABLE
        return config

    def default_filters(self) -> Any:
        yield from super().default_filters()
        yield "markdown2html", lambda source: markdown_to_html(source)


def render(notebook: Path, *, link: Callable[[str], str | None]) -> Page:
    """Render an executed notebook.

    Args:
        notebook: The file that papermill wrote.
        link: Gives the address in the report for a relative address in the notebook, None when there is none.
    """
    nb = nbformat.read(notebook, as_version=4)
    nb.cells = [c for c in nb.cells if c.cell_type != "raw" and not ERROR_MARKERS & _tags(c)]
    _formulae_as_markdown(nb.cells)
    html, _ = Exporter(template_name="basic").from_notebook_node(nb)
    soup = BeautifulSoup(html, "html.parser")
    rendered = list(soup.find_all("div", class_="cell"))
    for script in soup.find_all(["script", "iframe"]):
        script.decompose()
    _label_code(rendered)
    outline = name_headings(soup)
    figures = _figures(soup)
    relink(soup, link)
    return Page(body=_group_deeper(nb.cells, rendered), outline=outline, figures=figures)


def _formulae_as_markdown(cells: Any) -> None:
    """Formulae that a cell showed become Markdown, whose formulae are drawn without a script."""
    for cell in cells:
        for output in cell.get("outputs", []):
            shown = output.get("data", {})
            if "text/latex" in shown and "text/html" not in shown:
                shown["text/markdown"] = shown["text/latex"]


def _tags(cell: Any) -> set[str]:
    return set(cell.metadata.get("tags", []))


def _label_code(rendered: list[Tag]) -> None:
    """Code and outputs scroll sideways: the keyboard must reach them, and a screen reader must name them."""
    for cell in rendered:
        prompt = cell.find("div", class_="input_prompt")
        name = prompt.get_text(" ", strip=True).replace("\xa0", " ").rstrip(":") if prompt else ""
        for part, label in ((".input_area", f"Code {name}"), (".output", f"Output of {name}")):
            for area in cell.select(part):
                area.attrs |= {"tabindex": "0", "role": "region", "aria-label": label.strip()}


def _figures(soup: BeautifulSoup) -> tuple[Figure, ...]:
    figures: list[Figure] = []
    for tag in soup.select(".output img"):
        match = INLINE_IMAGE.match(str(tag.get("src", "")))
        if match is None:
            continue
        tag["id"] = f"figure-{len(figures) + 1}"
        alt = str(tag.get("alt", ""))
        figures.append(
            Figure(
                anchor=str(tag["id"]),
                alt="" if alt == NO_ALT else alt,
                kind=match["kind"],
                data=base64.b64decode(match["data"]),
            )
        )
    return tuple(figures)


def relink(soup: BeautifulSoup, link: Callable[[str], str | None]) -> None:
    """Point relative addresses into the report; a link that leads nowhere there becomes plain text."""
    for tag, attribute in [(t, "href") for t in soup.find_all("a")] + [
        (t, "src") for t in soup.find_all("img")
    ]:
        address = str(tag.get(attribute, ""))
        if not address or address.startswith("#") or re.match(r"[a-z][a-z0-9+.-]*:", address, re.IGNORECASE):
            continue
        found = link(address)
        if found is not None:
            tag[attribute] = found
        elif tag.name == "a":
            tag.unwrap()
        else:
            tag.replace_with(str(tag.get("alt", "")))


def _group_deeper(cells: list[Any], rendered: list[Tag]) -> str:
    """Join the cells; each run of deeper ones is folded under its first heading."""
    parts: list[str] = []
    fold: list[Tag] = []

    def close() -> None:
        if fold:
            parts.append(_folded(fold))
            fold.clear()

    for cell, tag in zip(cells, rendered, strict=True):
        if "deeper" in _tags(cell):
            fold.append(tag)
        else:
            close()
            parts.append(str(tag))
    close()
    return "\n".join(parts)


def _folded(cells: list[Tag]) -> str:
    """Cells behind one line; their first heading becomes that line, so that the contents still lead to it."""
    failed = any(tag.select_one(".output_error") for tag in cells)
    heading = next((found for tag in cells if (found := tag.find(re.compile("^h[2-6]$")))), None)
    if heading is not None:
        heading.extract()
        first = heading.find(string=True)
        if first is not None:
            first.replace_with(re.sub(r"^deeper\s*[:.–-]?\s*", "", str(first), flags=re.IGNORECASE))
    line = str(heading) if heading is not None else "a closer look"
    body = "\n".join(str(tag) for tag in cells)
    opened = " open" if failed else ""
    return (
        f'<details class="deeper"{opened}><summary><span class="tag">Deeper</span> {line}</summary>\n'
        f"{body}</details>"
    )
