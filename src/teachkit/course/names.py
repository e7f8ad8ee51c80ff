"""The public names that students meet: notebooks use what ``docs/names.md`` lists, and it stays small."""

import ast
import re
from collections.abc import Mapping
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

import teachkit
from teachkit.course.declaration import Course

MOST_NAMES, MOST_NEW = 40, 8
LISTED = re.compile(r"`([a-z]+\.[A-Za-z_]+)`")


def name_problems(course: Course, notebooks: Mapping[str, Any]) -> list[str]:
    """Compare the names used by `notebooks` (lesson id to notebook) with docs/names.md, and count them."""
    used: set[str] = set()
    found: list[str] = []
    for lesson in course.lessons:
        if lesson.id not in notebooks:
            continue
        new = used_names(notebooks[lesson.id]) - used
        if len(new) > MOST_NEW:
            found.append(
                f"notebooks/{lesson.file} brings {len(new)} new names, at most {MOST_NEW}: "
                f"{', '.join(sorted(new))}."
            )
        used |= new
    if len(used) > MOST_NAMES:
        found.append(f"The notebooks use {len(used)} names of teachkit, at most {MOST_NAMES}.")
    path = course.root / "docs" / "names.md"
    if not path.is_file():
        return [
            *found,
            "docs/names.md is missing. It lists each name that a notebook uses, such as `data.load`.",
        ]
    text = path.read_text(encoding="utf-8")
    listed = {name for name in LISTED.findall(text) if name.partition(".")[0] in teachkit.__all__}
    found += [
        f"docs/names.md does not list `{name}`, which a notebook uses." for name in sorted(used - listed)
    ]
    found += [f"docs/names.md lists `{name}`, which no notebook uses." for name in sorted(listed - used)]
    return found


def used_names(notebook: Any) -> set[str]:
    """The names ``room.name`` of teachkit that the code cells of a notebook use."""
    transform = TransformerManager().transform_cell
    code = "\n".join(transform(cell.source) for cell in notebook.cells if cell.cell_type == "code")
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return set()  # a lesson may show a mistake; what it uses is found when it runs
    rooms: dict[str, str] = {}  # local name -> room, "" for the package itself
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                if item.name == "teachkit":
                    rooms[item.asname or item.name] = ""
                elif item.name.startswith("teachkit.") and item.asname:
                    rooms[item.asname] = item.name.removeprefix("teachkit.")
        elif isinstance(node, ast.ImportFrom) and node.module == "teachkit":
            rooms |= {item.asname or item.name: item.name for item in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("teachkit."):
            room = str(node.module).removeprefix("teachkit.")
            found |= {f"{room}.{item.name}" for item in node.names}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        owner = node.value
        if isinstance(owner, ast.Name) and rooms.get(owner.id):
            found.add(f"{rooms[owner.id]}.{node.attr}")
        elif (
            isinstance(owner, ast.Attribute)
            and isinstance(owner.value, ast.Name)
            and rooms.get(owner.value.id) == ""
        ):
            found.add(f"{owner.attr}.{node.attr}")
    return found
