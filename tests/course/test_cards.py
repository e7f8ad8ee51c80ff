"""The model card: complete or refused, and never without its disclaimer."""

from pathlib import Path

import numpy as np
import pytest

from teachkit.course import Run, model_card, records
from teachkit.data import Info, Split
from teachkit.errors import LessonError


@pytest.fixture
def split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Split:
    """A test split, with a run begun in the temporary folder."""
    monkeypatch.setattr(records, "_current", None)
    records.begin(Run(lesson="t1", size="smoke", seed=0, out=tmp_path, data="x"))
    info = Info(
        name="x",
        title="X-rays",
        task="binary",
        classes=("healthy", "ill"),
        positive=1,
        licence="CC BY-NC 4.0",
        commercial=False,
        citation="Nobody, 2020",
        source="folder /x",
    )
    images = np.zeros((4, 28, 28), np.uint8)
    return Split(images=images, labels=np.zeros((4, 1), np.int64), info=info, split="test", size=28)


def card(split: Split, **changes):
    settings = {
        "test": split,
        "split_unit": "image",
        "metrics": {"AUC": (0.9, 0.85, 0.95), "accuracy": 0.8},
        "calibration": 0.0421,
        "failures": ["Misses small shadows."],
    }
    return model_card("Lite0, fine-tuned", **(settings | changes))


def test_a_card_says_data_unit_scores_calibration_and_failures(split: Split, tmp_path: Path) -> None:
    made = card(split, trained_on="X-rays, train")
    assert made.path == tmp_path / "model_card.md"
    assert made.path.read_text() == made.text == made._repr_markdown_()
    for words in (
        "For teaching, not for clinical use",
        "no commercial use",
        "0.900 (95 % interval 0.850 to 0.950)",
        "expected calibration error 0.042",
        "- Misses small shadows.",
        "| Kept apart by | image |",
        split.title,
        "Nobody, 2020",
    ):
        assert words in made.text


@pytest.mark.parametrize(
    ("gap", "named"), [({"failures": []}, "known failures"), ({"metrics": {}}, "metrics")]
)
def test_a_card_with_a_gap_is_refused(split: Split, gap: dict, named: str) -> None:
    with pytest.raises(LessonError, match=f"has no {named}"):
        card(split, **gap)
