"""What answers reach for that no question asks for, read from their text.

A text can be written in many ways, so silence proves nothing. The walls and the second box protect the
points; this only tells a person where to look.
"""

import ast
from collections.abc import Iterator

from teachkit.course.box.scopes import as_python

# A name or an attribute, and what it is good for.
NAMES = {
    "input_transformers_cleanup": "changes cells before they run",
    "input_transformers_post": "changes cells before they run",
    "input_transformer_manager": "changes cells before they run",
    "ast_transformers": "changes cells before they run",
    "run_cell": "runs or replaces cells",
    "run_cell_async": "runs or replaces cells",
    "builtins": "changes what Python's own names mean",
    "__builtins__": "changes what Python's own names mean",
    "__eq__": "decides what equals what",
    "__class__": "changes the class of an object",
    "modules": "replaces modules",
    "setattr": "changes objects that may not be its own",
    "Marks": "touches the marks",
    "marks": "touches the marks",
    "_exit": "ends the process",
    "kill": "ends processes",
    "abort": "ends the process",
    "fork": "makes processes",
    "forkpty": "makes processes",
    "subprocess": "starts programs",
    "system": "starts programs",
    "popen": "starts programs",
    "multiprocessing": "makes processes",
    "ctypes": "reaches into the interpreter",
    "gc": "looks for objects that were not given to it",
    "inspect": "looks into code that was not given to it",
    "_getframe": "looks into code that was not given to it",
    "signal": "changes how the process is interrupted",
    "KeyboardInterrupt": "swallows interruptions",
    "BaseException": "swallows interruptions",
    "socket": "asks for the network",
    "urllib": "asks for the network",
    "requests": "asks for the network",
    "NBGRADER_EXECUTION": "asks whether it is being graded",
    "being_graded": "asks whether it is being graded",
}
TEXTS = {
    ".ipynb": "reads a notebook",
    "gradebook": "looks for the gradebook",
    "HIDDEN TESTS": "looks for hidden tests",
    "/proc": "looks at processes",
    "NBGRADER_EXECUTION": "asks whether it is being graded",
}


def reaches(source: str) -> list[str]:
    """What a cell reaches for, one sentence each, in the order of its lines; empty for ordinary answers."""
    found: dict[str, None] = {}
    plain = as_python(source)
    if not plain:
        return []
    for word in _words(ast.parse(plain)):
        if purpose := NAMES.get(word):
            found[f"The code uses '{word}', which {purpose}."] = None
    for text, purpose in TEXTS.items():
        if any(text in constant for constant in _constants(ast.parse(plain))):
            found[f"The code holds the text '{text}': it {purpose}."] = None
    return list(found)


def _words(tree: ast.AST) -> Iterator[str]:
    """Every name, attribute and module that a tree mentions, and what a bare ``except`` catches."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.FunctionDef(name=name):
                yield name
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=module, names=names):
                yield (module or "").partition(".")[0]
                yield from (alias.name for alias in names)
            case ast.ExceptHandler(type=None):
                yield "BaseException"
            case _:
                continue


def _constants(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
