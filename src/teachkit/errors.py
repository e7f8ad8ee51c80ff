"""The family of errors: each says what happened, with which value, and what to do next.

``TeachkitError(what, remedy, **values)`` prints ``what`` and then ``remedy``; the values stay readable as
attributes, so tests and callers need not parse the sentence.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


class TeachkitWarning(UserWarning):
    """Something worth knowing that does not stop the work."""


class TeachkitError(Exception):
    """A problem the reader can mend: what happened, and the next step."""

    def __init__(self, what: str, remedy: str = "", **values: object) -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy
        self.values = values
        for name, value in values.items():
            setattr(self, name, value)

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows: the sentence instead of forty lines of frames."""
        return [f"{type(self).__name__}: {self}"]


class MissingExtraError(TeachkitError, ImportError):
    """An optional package is not installed."""


class SettingsError(TeachkitError, ValueError):
    """An argument, environment variable or configuration file does not make sense."""


class UnknownNameError(SettingsError):
    """A name nobody knows; the message offers the nearest ones."""


class DataError(TeachkitError):
    """A data set is absent, damaged or not what it claims to be."""


class FetchError(DataError):
    """Bytes could not be brought here."""


class ChecksumError(DataError):
    """A file's hash differs from the registered one."""


class FormatError(DataError, ValueError):
    """A file or array is not in the form it must have."""


class PredictionFileError(FormatError):
    """A prediction file has faults; `faults` lists all of them as (file, line, column, value, message)."""

    faults: list[Any]


class StorageError(TeachkitError):
    """A bucket did not do what was asked; nothing was half-written."""


class AlreadyStoredError(StorageError):
    """An object of that name is there already, and it is not ours."""


class StorageRefusedError(StorageError):
    """The account at work has no permission, or there is no account."""


class CloudError(TeachkitError):
    """A cloud service refused or failed; `kind` says how, such as "quota"."""

    kind: str


class ExchangeRefusedError(TeachkitError, ValueError):
    """A hand-in, a name or a student cannot be accepted."""


class TrainingError(TeachkitError):
    """A training run cannot go on."""


class UnfairComparisonError(TrainingError, ValueError):
    """Two arms differ in more than the factor under study."""


class LeakError(TeachkitError):
    """A line of a solution or hidden test would reach students; `leaks` lists all of them."""

    leaks: list[Any]


class BoxMissingError(TeachkitError):
    """Code of others should run, and this machine cannot put it in a box."""


class LessonError(TeachkitError):
    """A lesson, its record or its declaration is wrong."""


class GraphError(TeachkitError):
    """A network cannot become the graph that was asked for, or a graph is not what it claims to be."""


class UnsupportedLayerError(GraphError, TypeError):
    """A layer or operation that no rule turns into neurons and edges."""


class GraphTooLargeError(GraphError, ValueError):
    """A graph would have more nodes or edges than the limit allows."""


def nearest(name: str, known: Iterable[str], kind: str) -> str:
    """A remedy sentence that offers the names closest to `name`, else all of them."""
    options = sorted(known)
    close = get_close_matches(name.lower(), options, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(repr(match) for match in close)}?"
    return f"Known {kind}: {', '.join(options) or 'none'}."
