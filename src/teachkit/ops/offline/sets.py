"""The data sets that may be given away, copied from the source in force with their licences."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from teachkit.course.declaration import Course
from teachkit.data import shelf
from teachkit.data.loading import find
from teachkit.data.registry import Entry
from teachkit.errors import SettingsError
from teachkit.ops.offline.install import copy_files

# Licences that let anybody pass the files on, as long as source and licence are named.
FREE = ("CC0", "CC BY 4.0", "CC BY-SA 3.0", "CC BY-NC 4.0")
LIST = "LICENCES.md"


def wanted_sets(course: Course, names: Iterable[str] = ()) -> list[str]:
    """`names`, else all sets of the lessons that are on this machine and may be given away.

    Raises:
        SettingsError: one of `names` may not be given away.
        UnknownNameError: one of them exists nowhere.
    """
    chosen = list(dict.fromkeys(names))
    for name in chosen:
        licence = find(name)[0].licence
        if not _free(find(name)[0]):
            raise SettingsError(
                f"'{name}' may not be given away: its licence is '{licence}'.",
                "Leave it out; students fetch it themselves.",
                name=name,
            )
    here = {row.entry.name for row in shelf.catalogue() if row.state == "here"}
    lessons = dict.fromkeys(name for lesson in course.lessons for name in lesson.data)
    return chosen or [name for name in lessons if name in here and _free(find(name)[0])]


def copy_sets(names: Iterable[str], folder: Path) -> int:
    """Write each set, its checksum compared, below `folder`, with a list of licences; the bytes written."""
    told = ["# Data on this stick", "", "| set | licence | source |", "|---|---|---|"]
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        entry = find(name)[0]
        found = shelf.get(name)
        if found is None:  # embedded: it comes with the packages
            continue
        target = folder / found.path.name
        if found.path.is_dir():
            copy_files(found.path, target)
        else:
            shutil.copyfile(found.path, target)
        told.append(f"| {entry.title} (`{name}`) | {entry.licence} | {entry.citation} |")
    (folder / LIST).write_text("\n".join(told) + "\n", encoding="utf-8")
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _free(entry: Entry) -> bool:
    return not entry.embedded and entry.licence in FREE
