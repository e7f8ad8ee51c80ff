"""Formulae as MathML, which browsers draw themselves, so a page needs no script and no network."""

from html import escape

from latex2mathml import exceptions
from latex2mathml.converter import convert

BROKEN: tuple[type[Exception], ...] = (
    *(item for item in vars(exceptions).values() if isinstance(item, type) and issubclass(item, Exception)),
    IndexError,
    KeyError,
)


def mathml(latex: str, *, block: bool = False) -> str:
    """`latex` (without dollar signs) as a ``<math>`` element; its source is shown when it cannot be read."""
    try:
        return str(convert(latex.strip(), display="block" if block else "inline"))
    except BROKEN:
        return f'<code class="formula">{escape(latex)}</code>'


def is_readable(latex: str) -> bool:
    """Whether all of `latex` becomes MathML: no syntax error and no command left standing."""
    drawn = mathml(latex)
    return drawn.startswith("<math") and "<mi>\\" not in drawn
