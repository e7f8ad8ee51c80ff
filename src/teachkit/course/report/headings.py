"""Headings of a page: an id for each, unique, and the list for the contents."""

import re
from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag

HEADINGS = re.compile("^h[1-6]$")


@dataclass(frozen=True)
class Heading:
    """A heading for the page's contents."""

    level: int
    anchor: str
    text: str


def slug(text: str) -> str:
    """The anchor that GitHub gives a heading: lower case, no punctuation, hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def name_headings(soup: BeautifulSoup | Tag, *, as_github: bool = False) -> tuple[Heading, ...]:
    """Make heading ids unique, give their anchor links a name, and list levels 2 and 3.

    Args:
        as_github: Lower-case ids, as links between Markdown files write them; else JupyterLab's.
    """
    seen: dict[str, int] = {}
    found = []
    for tag in soup.find_all(HEADINGS):
        link = tag.find("a", class_="anchor-link")
        if link is not None:
            link.extract()
        text = tag.get_text(" ", strip=True)
        base = slug(text) if as_github else str(tag.get("id") or text.replace(" ", "-"))
        seen[base] = seen.get(base, 0) + 1
        anchor = base if seen[base] == 1 else f"{base}-{seen[base]}"
        tag["id"] = anchor
        if link is not None:
            link["href"] = f"#{anchor}"
            link["aria-label"] = f"Link to {text}"
            tag.append(link)
        if tag.name in ("h2", "h3"):
            found.append(Heading(int(tag.name[1]), anchor, text))
    return tuple(found)
