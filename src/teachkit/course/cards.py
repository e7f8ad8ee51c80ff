"""The model card: one page that goes with every trained model that leaves a lesson."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from teachkit.course import records
from teachkit.course.boxes import DISCLAIMER
from teachkit.data.splits import Split
from teachkit.errors import LessonError
from teachkit.paths import atomic

Score = float | tuple[float, float, float]


@dataclass(frozen=True)
class ModelCard:
    """The card as Markdown; a notebook shows it rendered, and `path` is where it was written."""

    text: str
    path: Path

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def model_card(
    model: str,
    *,
    test: Split,
    split_unit: str,
    metrics: Mapping[str, Score],
    calibration: float | str,
    failures: Sequence[str],
    trained_on: str = "",
) -> ModelCard:
    """Write ``OUT/model_card.md`` and return it for display.

    Args:
        model: Printable name of the model, such as ``"EfficientNet-Lite0, fine-tuned"``.
        test: The split the metrics were measured on; data, licence and source are read from it.
        split_unit: What was kept apart between training and test: ``"patient"``, ``"image"`` ...
        metrics: Name to value, or to (mean, low, high) with the interval's bounds.
        calibration: Expected calibration error, or a sentence.
        failures: Known failures, at least one sentence.
        trained_on: Title of the training split; left out when empty.

    Raises:
        LessonError: when no failure is named, no metric is given, or no run has begun.
    """
    if not metrics or not failures:
        missing = "metrics" if not metrics else "known failures"
        raise LessonError(
            f"The model card of '{model}' has no {missing}.",
            "Give at least one; a model without known failures has not been looked at.",
            model=model,
        )
    run = records.current()
    info = test.info
    use = "commercial use allowed" if info.commercial else "no commercial use"
    calibrated = (
        f"expected calibration error {calibration:.3f}" if isinstance(calibration, float) else calibration
    )
    lines = [
        f"### Model card: {model}",
        "",
        f"**{DISCLAIMER.capitalize()}.**",
        "",
        "| | |",
        "|---|---|",
        f"| Task | {info.task}: {'; '.join(info.classes) or info.unit} |",
        *([f"| Trained on | {trained_on} |"] if trained_on else []),
        f"| Tested on | {test.title} |",
        f"| Read from | {info.source} |",
        f"| Licence of the data | {info.licence} ({use}) |",
        f"| Kept apart by | {split_unit} |",
        *(f"| {name} | {_score(value)} |" for name, value in metrics.items()),
        f"| Calibration | {calibrated} |",
        f"| Run | lesson {run.lesson}, size {run.size}, seed {run.seed} |",
        "",
        "Known failures:",
        "",
        *(f"- {failure}" for failure in failures),
        "",
        f"Cite the data: {info.citation}",
        "",
    ]
    text = "\n".join(lines)
    path = run.out / "model_card.md"
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return ModelCard(text=text, path=path)


def _score(value: Score) -> str:
    if isinstance(value, tuple):
        mean, low, high = value
        return f"{mean:.3f} (95 % interval {low:.3f} to {high:.3f})"
    return f"{value:.3f}"
