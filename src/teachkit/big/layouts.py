"""How the columns of a CSV are to be read: ours with a header line, or MedMNIST's own, one file a set."""

import re
from dataclasses import dataclass

from teachkit.big.faults import Faults
from teachkit.big.suites import Member, Suite
from teachkit.big.unpacking import Text
from teachkit.errors import nearest

BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # Excel puts it before UTF-8; it means nothing
WIDE = (b"\xff\xfe", b"\xfe\xff")  # how UTF-16 begins
LONGEST_LINE = 2000  # bytes; fourteen numbers of 24 characters need 400
STANDARD_NAME = re.compile(
    r"(?P<name>.+?)(?:_(?P<size>\d+))?_(?P<split>train|val|test)(?![a-z]).*\.csv", re.I
)
MEDMNIST_SIZE = 28  # of a standard file whose name states none
ANSWERS = ("truth", "label", "labels", "target", "prediction", "y", "y_true", "y_pred")


@dataclass(frozen=True)
class Layout:
    """Where things stand in a line.

    Attributes:
        member: the set of all lines; None when the first column names it.
        probabilities: columns of probabilities.
    """

    member: Member | None
    probabilities: int

    @property
    def header(self) -> bool:
        """Whether line 1 holds names."""
        return self.member is None

    @property
    def alone(self) -> bool:
        """Whether each line holds the positive class of a binary set alone."""
        return self.member is not None and self.probabilities < len(self.member.classes)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns."""
        names = ("dataset", "id") if self.member is None else ("id",)
        return (*names, *(f"p{index}" for index in range(self.probabilities)))


def layout_of(text: Text, suite: Suite, size: int, faults: Faults) -> Layout | None:
    """The layout of `text`; None, and the reasons in `faults`, when no line can be read by any."""
    first = text.data[: LONGEST_LINE + 1].split(b"\n", 1)[0].rstrip(b"\r")
    if text.data.startswith(WIDE) or b"\0" in first:
        faults.add(text.label, 1, "", "", "this is not UTF-8 text; save it as CSV (UTF-8), not UTF-16")
        return None
    if not text.data or text.data.isspace():
        faults.add(text.label, 1, "", "", "the file is empty")
        return None
    if len(first) > LONGEST_LINE:
        faults.add(text.label, 1, "", "", f"the line is longer than {LONGEST_LINE:,} bytes; this is no CSV")
        return None
    if b"\r" in first:
        faults.add(
            text.label, 1, "", "", "lines end in \\r alone; save with the line ends of Windows or Unix"
        )
        return None
    words = first.decode("utf-8", "replace")
    fields = [field.strip().strip('"') for field in words.split(",")]
    if fields[0] != "dataset" and (found := STANDARD_NAME.fullmatch(text.name)):
        return _standard(text, found, len(fields), suite, size, faults)
    return _ours(text, words, fields, suite, faults)


def _ours(text: Text, words: str, fields: list[str], suite: Suite, faults: Faults) -> Layout | None:
    """The layout with a header line, each wrong name of which is a fault."""
    expected = ["dataset", "id", *(f"p{index}" for index in range(suite.columns))]
    told = f"line 1 must be: dataset,id,p0,p1,… up to p{suite.columns - 1}"
    if len(fields) == 1 and (mark := next((m for m in ";\t|" if m in words), None)):
        faults.add(text.label, 1, "", words, f"columns are separated by {mark!r}; use commas")
        return None
    if fields[0] in suite:
        faults.add(text.label, 1, "", words, f"the header is missing; {told}")
        return None
    before = len(faults.found)
    for place, (have, want) in enumerate(zip(fields, expected, strict=False)):
        if have == want:
            continue
        if have.lower() in ANSWERS:
            reason = "a prediction file holds neither truth nor decisions; leave this column out"
        else:
            reason = f"this column must be called {want}; {told}"
        faults.add(text.label, 1, want, have, reason)
        if place < 2 or have.lower() in ANSWERS:  # what follows is shifted, or is no table of ours at all
            return None
    for surplus in fields[len(expected) :]:
        reason = "leave this column out" if surplus.lower() in ANSWERS else f"one column too many; {told}"
        faults.add(text.label, 1, surplus, surplus, reason)
    if len(fields) < 3:
        faults.add(text.label, 1, "", words, f"no column of probabilities; {told}")
    return None if len(faults.found) > before else Layout(None, len(fields) - 2)


def _standard(
    text: Text, found: re.Match[str], fields: int, suite: Suite, size: int, faults: Faults
) -> Layout | None:
    """The layout of ``{set}{_size}_test….csv``: no header, an index and the probabilities."""
    name = found["name"].lower()
    if name not in suite:
        known = nearest(name, suite.names, "sets")
        faults.add(text.label, 0, "", name, f"suite '{suite.name}' has no such set. {known}")
    elif found["split"].lower() != "test":
        faults.add(text.label, 0, "", found["split"], "only predictions of the test split are scored")
    elif int(found["size"] or MEDMNIST_SIZE) != size:
        faults.add(
            text.label, 0, "", found["size"] or "", f"the file name stands for another size than {size}"
        )
    else:
        # One column is what MedMNIST's evaluator takes for a binary set: the positive class alone.
        alone = suite[name].task == "binary" and fields == 2
        return Layout(suite[name], 1 if alone else len(suite[name].classes))
    return None
