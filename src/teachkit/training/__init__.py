"""From arrays to a fitted model, and from several models to a fair comparison."""

from teachkit.training.device import device_summary
from teachkit.training.history import History
from teachkit.training.inference import evaluate, predict
from teachkit.training.loop import fit
from teachkit.training.seeds import seeded

__all__ = ["History", "device_summary", "evaluate", "fit", "predict", "seeded"]
