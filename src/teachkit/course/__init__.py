"""Running the course: what notebooks call to begin, record, check themselves and close.

Each name loads its own part on first use: a quiz that only gives marks needs no data and no pictures, and a
class has many quizzes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from teachkit.course.boxes import closing as closing
    from teachkit.course.boxes import preflight as preflight
    from teachkit.course.cards import ModelCard as ModelCard
    from teachkit.course.cards import model_card as model_card
    from teachkit.course.quizzes import show as self_check
    from teachkit.course.records import Run as Run
    from teachkit.course.records import place_results as place_results
    from teachkit.course.records import record as record

__all__ = ["ModelCard", "Run", "closing", "model_card", "place_results", "preflight", "record", "self_check"]

_HOMES = {
    "ModelCard": ("cards", "ModelCard"),
    "Run": ("records", "Run"),
    "closing": ("boxes", "closing"),
    "model_card": ("cards", "model_card"),
    "place_results": ("records", "place_results"),
    "preflight": ("boxes", "preflight"),
    "record": ("records", "record"),
    "self_check": ("quizzes", "show"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'teachkit.course' has no attribute '{name}'")
    module, own = _HOMES[name]
    return getattr(import_module(f"teachkit.course.{module}"), own)


def __dir__() -> list[str]:
    return sorted(__all__)
