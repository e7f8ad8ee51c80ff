"""A board as CSV and JSON."""

import csv
import io
from typing import Any

from teachkit.leaderboard.board.table import Board, Row

FIELDS = (
    "place",
    "team",
    "model",
    "track",
    "size",
    "metric",
    "set",
    "value",
    "low",
    "high",
    "link",
    "paper_verified",
    "published_figure",
    "submitted",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_dict(row: Row, board: Board) -> dict[str, Any]:
    """One line with the names of `FIELDS`."""
    told = {
        "place": row.number,
        "size": board.wanted.size,
        "metric": board.wanted.metric if board.wanted.view == "score" else board.wanted.heading,
        "set": board.wanted.place,
        "value": row.value,
        "low": row.low,
        "high": row.high,
    }
    if row.entry is not None:
        entry = row.entry
        told |= {
            "team": entry.team.name,
            "model": entry.model_name,
            "track": entry.track,
            "link": entry.link,
            "paper_verified": entry.paper_on is not None,
            "published_figure": False,
            "submitted": entry.created.isoformat(timespec="seconds"),
        }
    if row.reference is not None:
        told |= {
            "team": "",
            "model": f"{row.reference.name}, {row.reference.recipe}",
            "track": "",
            "link": row.reference.source,
            "paper_verified": False,
            "published_figure": True,
            "submitted": "",
        }
    return {name: told[name] for name in FIELDS}


def as_csv(board: Board) -> str:
    """For spreadsheets: no text starts like a formula."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, FIELDS)  # lines end as RFC 4180 has it, so a lone "\r" is quoted
    writer.writeheader()
    for row in board.rows:
        writer.writerow({name: harmless(value) for name, value in as_dict(row, board).items()})
    return stream.getvalue()


def harmless(value: Any) -> Any:
    """A text that a spreadsheet shows as it is, with an apostrophe before what would be calculated."""
    if isinstance(value, str) and value.lstrip().startswith(FORMULA):
        return f"'{value}"
    return value
