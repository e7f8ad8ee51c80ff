"""Typed access to one TOML table, with complaints that say which table, which value and what is expected."""

from collections.abc import Mapping, Sequence
from typing import Any

from teachkit.errors import LessonError, nearest


class Table:
    """A TOML table that remembers which of its keys were read, so that a misspelt one cannot hide."""

    def __init__(
        self, content: Mapping[str, Any], place: str, *, mend: str = "notebooks/course.toml"
    ) -> None:
        self.content = content
        self.place = place
        self.mend = mend
        self._read: set[str] = set()

    def value(self, key: str) -> Any:
        """The value under `key`, of any kind."""
        self._read.add(key)
        if key not in self.content:
            near = nearest(key, [k for k in self.content if k not in self._read], "unread keys here")
            raise LessonError(f"{self.place} has no '{key}'.", f"Add it. {near}", place=self.place, key=key)
        return self.content[key]

    def text(self, key: str) -> str:
        """A text that is not empty."""
        found = self.value(key)
        if not isinstance(found, str) or not found.strip():
            raise self._wrong(key, found, "a text that is not empty")
        return found

    def number(self, key: str) -> float:
        """A number, not a truth value."""
        found = self.value(key)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self._wrong(key, found, "a number")
        return float(found)

    def range(self) -> tuple[float, float]:
        """`low` and `high`, in that order."""
        low, high = self.number("low"), self.number("high")
        if not low <= high:
            raise self._wrong("low", low, f"a number that is not above high ({high})")
        return low, high

    def texts(
        self, key: str, *, default: Sequence[str] | None = None, length: int | None = None
    ) -> tuple[str, ...]:
        """A list of texts; `length` of them where that is given."""
        if default is not None and key not in self.content:
            self._read.add(key)
            return tuple(default)
        found = self.value(key)
        if not isinstance(found, list) or not all(isinstance(item, str) and item.strip() for item in found):
            raise self._wrong(key, found, "a list of texts")
        if length is not None and len(found) != length:
            raise self._wrong(key, found, f"a list of {length} texts")
        return tuple(found)

    def table(self, key: str) -> "Table":
        """A table inside this one."""
        found = self.value(key)
        if not isinstance(found, dict):
            raise self._wrong(key, found, "a table")
        return Table(found, f"{self.place}, {key}", mend=self.mend)

    def tables(self, key: str) -> tuple["Table", ...]:
        """A list of tables; none when the key is absent."""
        self._read.add(key)
        found = self.content.get(key, [])
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self._wrong(key, found, f"tables, each opened by [[{key}]]")
        return tuple(
            Table(item, f"{self.place}, {key} {number}", mend=self.mend)
            for number, item in enumerate(found, 1)
        )

    def rest(self) -> dict[str, Any]:
        """The whole table as it stands, for tables whose keys are free."""
        self._read.update(self.content)
        return dict(self.content)

    def finish(self) -> None:
        """Refuse keys that nobody read."""
        for key in self.content:
            if key not in self._read:
                raise LessonError(
                    f"{self.place} has a key '{key}' that means nothing here.",
                    nearest(key, self._read, "keys"),
                    place=self.place,
                    key=key,
                )

    def _wrong(self, key: str, found: object, expected: str) -> LessonError:
        return LessonError(
            f"{self.place}: '{key}' is {found!r}, expected {expected}.",
            f"Mend {self.mend}.",
            place=self.place,
            key=key,
            found=found,
        )
