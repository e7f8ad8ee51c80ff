"""A question that may hang gets a limit of time."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from teachkit.errors import FetchError

T = TypeVar("T")


def within(seconds: float, who: str, question: Callable[[], T]) -> T:
    """What `who` answers to `question`, asked in a thread of its own that does not outlive this process.

    Raises:
        FetchError: there is none after so many seconds.
    """
    answer: dict[str, Any] = {}

    def ask() -> None:
        try:
            answer["is"] = question()
        except BaseException as error:
            answer["error"] = error

    asked = threading.Thread(target=ask, daemon=True)
    asked.start()
    asked.join(seconds)
    if asked.is_alive():
        raise FetchError(
            f"{who} gives no answer within {seconds:g} seconds.", "Check the network.", seconds=seconds
        )
    if "error" in answer:
        raise answer["error"]
    return answer["is"]
