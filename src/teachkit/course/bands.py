"""Judge what a lesson recorded: invariants, bands and sanity ranges of its declaration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from teachkit.course.declaration import Lesson

Verdict = Literal["met", "missed", "not run"]


@dataclass(frozen=True)
class Finding:
    """One expectation beside what was recorded; `sentence` names the value and the range."""

    name: str
    kind: Literal["invariant", "band", "sanity"]
    verdict: Verdict
    value: Any
    low: float | None
    high: float | None
    sentence: str


def judge(lesson: Lesson, results: Mapping[str, Any], *, core_only: bool = False) -> list[Finding]:
    """Compare recorded values with all that `lesson` declares for this size and data.

    With `core_only`, a name that was not recorded is "not run" instead of missed: its cell was skipped.
    """
    values = results["values"]
    absent: Verdict = "not run" if core_only else "missed"
    findings = []
    for rule in lesson.invariants:
        findings.append(_equal(rule.name, rule.equals, rule.why, values, absent))
    for band in lesson.bands:
        if results["size"] in band.sizes and (not band.data or results["data"] in band.data):
            findings.append(_within("band", band.name, band.low, band.high, values, absent))
    for sanity in lesson.sanity:
        findings.append(_within("sanity", sanity.name, sanity.low, sanity.high, values, absent))
    return findings


def _equal(name: str, expected: Any, why: str, values: Mapping[str, Any], absent: Verdict) -> Finding:
    if name not in values:
        return Finding(
            name,
            "invariant",
            absent,
            None,
            None,
            None,
            f"'{name}' was not recorded; it must equal {expected!r}.",
        )
    value = values[name]["value"]
    # TOML keeps 1 and true apart, Python's == does not
    met = isinstance(value, bool) == isinstance(expected, bool) and value == expected
    sentence = f"'{name}' is {_show(value)} and must equal {_show(expected)}: {why}"
    return Finding(name, "invariant", "met" if met else "missed", value, None, None, sentence)


def _within(
    kind: Literal["band", "sanity"],
    name: str,
    low: float,
    high: float,
    values: Mapping[str, Any],
    absent: Verdict,
) -> Finding:
    where = f"{_show(low)} to {_show(high)}"
    if name not in values:
        return Finding(
            name, kind, absent, None, low, high, f"'{name}' was not recorded; its {kind} range is {where}."
        )
    value = values[name]["value"]
    met = all(_is_number(item) and low <= item <= high for item in _items(value))
    place = "inside" if met else "outside"
    sentence = f"'{name}' is {_show(value)}, {place} its {kind} range of {where}."
    return Finding(name, kind, "met" if met else "missed", value, low, high, sentence)


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _is_number(item: object) -> bool:
    return isinstance(item, int | float) and not isinstance(item, bool)


def _show(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return "[" + ", ".join(_show(item) for item in value) + "]"
    return repr(value)
