"""A page of an executed notebook: what cells showed, without a script."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

from teachkit.course.report.pages import render


def body(tmp_path: Path, **data: str) -> str:
    """The body of a page whose only cell showed `data`, by kind."""
    kinds = {kind.replace("_", "/"): text for kind, text in data.items()}
    cell = new_code_cell("x", outputs=[new_output("execute_result", data=kinds, execution_count=1)])
    path = tmp_path / "executed.ipynb"
    nbformat.write(new_notebook(cells=[cell]), path)
    return render(path, link=lambda address: None).body


def test_a_formula_that_a_cell_shows_is_drawn(tmp_path: Path) -> None:
    page = body(tmp_path, text_latex=r"$\displaystyle \frac{1}{n}$", text_plain="Formula()")
    assert "<mfrac>" in page
    assert "Formula()" not in page


def test_html_goes_before_a_formula(tmp_path: Path) -> None:
    page = body(tmp_path, text_latex="$x$", text_html="<b>shown</b>", text_plain="plain")
    assert "<b>shown</b>" in page
    assert "<math" not in page
