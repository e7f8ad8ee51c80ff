"""From arrays to a fitted model, and from several models to a fair comparison.

fit, evaluate, predict  one model
Arm, compare            several models that differ in one factor, over seeds
PixelLoss               what a network that answers per pixel minimises
seeded, device_summary  where randomness comes from, and on what we run
"""

from teachkit.training.arms import Arm as Arm
from teachkit.training.comparison import Comparison as Comparison
from teachkit.training.comparison import compare as compare
from teachkit.training.device import device_summary as device_summary
from teachkit.training.history import History as History
from teachkit.training.inference import evaluate as evaluate
from teachkit.training.inference import predict as predict
from teachkit.training.loop import fit as fit
from teachkit.training.losses import PixelLoss as PixelLoss
from teachkit.training.seeds import seeded as seeded
