"""One network for many data sets: mm-PT, and what BatchNorm has to do with its collapse.

pretrain     train one backbone on several domains, with a head for each
MMPT         what it returns: predict, evaluate, recalibrate, draw, save, load
compare      several arms on the same domains, seed by seed: together or apart, by whose statistics
Comparison   what it returns: tables, differences with intervals, figures, predictions
Sampler      which pictures of which domain a step sees
Baselines    a network for each set alone, by architecture, scheme and seed; Regime says how they are trained
"""

from teachkit.mmpt.baselines import SEEDS as SEEDS
from teachkit.mmpt.baselines import Baselines as Baselines
from teachkit.mmpt.comparing import ARMS as ARMS
from teachkit.mmpt.comparing import compare as compare
from teachkit.mmpt.comparison import Comparison as Comparison
from teachkit.mmpt.domains import Domain as Domain
from teachkit.mmpt.history import History as History
from teachkit.mmpt.model import MMPT as MMPT
from teachkit.mmpt.pretraining import pretrain as pretrain
from teachkit.mmpt.probes import Regime as Regime
from teachkit.mmpt.sampling import Sampler as Sampler
