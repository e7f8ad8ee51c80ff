"""What a reader sees while a network is trained: a bar, and in a notebook a table of the domains."""

import html
import time
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from teachkit.mmpt.history import History
from teachkit.training.progress import in_notebook, progress_bar, someone_watches

SECONDS_APART = 0.5  # between two states of the table: a browser must keep up


class Live:
    """Follows a history. In a pipe, a log file or a headless run it shows nothing.

    Args:
        history: of the run; its losses and scores are shown as they come.
        steps: of the whole run.
        wanted: whether to show anything.
    """

    def __init__(self, history: History, steps: int, wanted: bool = True) -> None:
        self.history, self._number, self._drawn = history, 0, 0.0
        self._planned = np.zeros(len(history.domains), dtype=int)
        self._before = list(history.seen)
        watched = wanted and someone_watches()
        self._bar = progress_bar(steps, "mm-PT", history.steps) if wanted else None
        self._handle: Any = _place() if watched and in_notebook() else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._draw()
        if self._bar is not None:
            self._bar.close()

    def begins(self, number: int, rows: NDArray[np.int64]) -> None:
        """Pass `number`, from 0, will show so many rows of each domain."""
        self._number, self._planned, self._before = number, rows, list(self.history.seen)

    def step(self) -> None:
        """A step was taken."""
        if self._bar is not None:
            self._bar.update()
        if self._handle is not None and time.monotonic() - self._drawn > SECONDS_APART:
            self._draw()

    def ends(self) -> None:
        """A pass is over and was judged."""
        if self._bar is not None:
            aucs = {row["domain"]: f"{row['val_auc']:.3f}" for row in self._last() if "val_auc" in row}
            loss = f"{self.history.epochs[-1]['loss']:.3f}"
            self._bar.set_postfix({"loss": loss, **aucs}, refresh=False)
        self._draw()

    def table(self) -> str:
        """Every domain as HTML: rows of this pass; training loss and validation AUC of the pass before."""
        now, earlier = self._last(), self._last(2)
        lines = []
        for place, name in enumerate(self.history.domains):
            seen, planned = self.history.seen[place] - self._before[place], int(self._planned[place])
            bar = f'<progress value="{min(seen, planned)}" max="{max(planned, 1)}"></progress>'
            cells = [html.escape(name), f"{bar} {seen:,} of {planned:,}"]
            cells += [_number(now, place, "loss"), _number(now, place, "val_auc")]
            cells.append(_change(now, earlier, place))
            lines.append("".join(f"<td>{cell}</td>" for cell in cells))
        heads = ("domain", f"images of pass {self._number + 1}", "training loss", "validation AUC", "change")
        first = "".join(f'<th scope="col">{name}</th>' for name in heads)
        return f"<table><tr>{first}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"

    def _last(self, back: int = 1) -> list[dict[str, Any]]:
        """What was noted of each domain in the pass before, or `back` passes before."""
        count = len(self.history.domains)
        end = len(self.history.scores) - (back - 1) * count
        return self.history.scores[max(end - count, 0) : max(end, 0)]

    def _draw(self) -> None:
        if self._handle is None:
            return
        from IPython.display import HTML

        self._handle.update(HTML(self.table()))
        self._drawn = time.monotonic()


def _place() -> Any:
    from IPython.display import HTML, display

    return display(HTML(""), display_id=True)


def _number(rows: list[dict[str, Any]], place: int, what: str) -> str:
    value = rows[place].get(what, float("nan")) if rows else float("nan")
    return f"{value:.3f}" if np.isfinite(value) else "–"


def _change(now: list[dict[str, Any]], earlier: list[dict[str, Any]], place: int) -> str:
    if not (now and earlier and "val_auc" in now[place] and "val_auc" in earlier[place]):
        return "–"
    return f"{now[place]['val_auc'] - earlier[place]['val_auc']:+.3f}"
