"""Which names a notebook's locked cells make."""

import ast
import symtable
from collections.abc import Iterable

from IPython.core.inputtransformer2 import TransformerManager


def made(sources: Iterable[str]) -> set[str]:
    """Every global name that these cells assign, import or define."""
    return {name for source in sources for name in _names(source)}


def as_python(source: str) -> str:
    """A cell with its magics as calls; nothing where it cannot be read, for it does nothing either."""
    plain = str(TransformerManager().transform_cell(source))
    try:
        ast.parse(plain)
    except (SyntaxError, ValueError):
        return ""
    return plain


def _names(source: str) -> set[str]:
    top = symtable.symtable(as_python(source), "cell", "exec")
    makes: set[str] = set()
    tables = [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            made_here = symbol.is_assigned() or symbol.is_imported()
            if made_here and (table is top or symbol.is_declared_global()):
                makes.add(symbol.get_name())
    return makes
