"""Formulae, Markdown and small pictures of numbers."""

import re

import pytest

from teachkit.course.report.bars import number, range_bar
from teachkit.course.report.markdown import markdown_to_html
from teachkit.course.report.mathml import is_readable, mathml


@pytest.mark.parametrize(
    "formula",
    [
        r"w \leftarrow w - \eta \nabla L(w)",
        r"\frac{TP}{TP + FN}",
        r"\text{softmax}(z)_i",
        r"\sum_{i=1}^{n} x_i",
    ],
)
def test_common_formulae_are_drawn(formula: str) -> None:
    assert is_readable(formula)


@pytest.mark.parametrize("formula", [r"\frac{1}{", "x_{", r"\nosuchcommand{x}", "x^2^3"])
def test_broken_formulae_are_not_called_readable(formula: str) -> None:
    assert not is_readable(formula)


def test_a_broken_formula_shows_its_source() -> None:
    assert mathml("<x^") == '<code class="formula">&lt;x^</code>'


def test_markdown_draws_inline_and_display_formulae_but_not_code() -> None:
    html = markdown_to_html("Euler: $e^x$ and\n\n$$a = b$$\n\n`$not$`")
    assert html.count("<math") == 2
    assert 'display="block"' in html
    assert "<code>$not$</code>" in html


def dots(svg: str) -> list[float]:
    return [float(x) for x in re.findall(r'cx="([\d.]+)"', svg)]


def test_a_dot_lies_where_its_value_does() -> None:
    left, middle, right = dots(range_bar([0.4, 0.5, 0.6], 0.4, 0.6, interval=None, label="x"))
    assert middle == pytest.approx((left + right) / 2)
    svg = range_bar([0.5], 0, 1, interval=None, label="x")
    band = re.search(r'class="band" x="([\d.]+)" y="4" rx="3" width="([\d.]+)"', svg)
    assert band is not None
    assert dots(svg) == [pytest.approx(float(band[1]) + float(band[2]) / 2)]


def test_a_point_outside_is_marked_and_a_band_without_width_can_be_seen() -> None:
    assert "missed" in range_bar([2], 0, 1, interval=None, label="x")
    assert "missed" not in range_bar([1], 1, 1, interval=None, label="x")
    assert 'width="2.0"' in range_bar([1], 1, 1, interval=None, label="x")


def test_the_label_is_escaped() -> None:
    assert "<title>a &lt; b</title>" in range_bar([1], 0, 2, interval=(0.5, 1.5), label="a < b")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.123456, "0.1235"), (True, "yes"), (3, "3"), ([1, 0.5], "1, 0.5"), ("lite0", "lite0")],
)
def test_numbers_are_short(value: object, shown: str) -> None:
    assert number(value) == shown
