"""Pictures that a run showed without an alternative text, which a screen reader then cannot tell."""

from pathlib import Path
from typing import Any

import nbformat
from bs4 import BeautifulSoup

PICTURES = ("image/png", "image/jpeg", "image/svg+xml")


def pictures_without_text(executed: Path) -> list[str]:
    """One sentence per cell of an executed notebook with such pictures."""
    notebook = nbformat.read(executed, as_version=4)
    found = []
    for cell in notebook.cells:
        silent = sum(_silent(output) for output in cell.get("outputs", []))
        if silent:
            found.append(
                f"In [{cell.execution_count}] shows {silent} pictures without alternative text. "
                "Draw them with teachkit.plots, or display with metadata 'alt'."
            )
    return found


def _silent(output: Any) -> int:
    """How many pictures of one output say nothing."""
    data = output.get("data", {})
    if html := data.get("text/html"):
        images = BeautifulSoup("".join(html), "html.parser").find_all("img")
        return sum(not str(image.get("alt", "")).strip() for image in images)
    metadata = output.get("metadata", {})
    shown = next((kind for kind in PICTURES if kind in data), None)
    alt = metadata.get(shown, {}).get("alt") or metadata.get("alt") if shown else "nothing shown"
    return int(not alt)
