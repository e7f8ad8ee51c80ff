"""One network for many data sets: mm-PT, and what BatchNorm has to do with its collapse.

pretrain     train one backbone on several domains, with a head for each
MMPT         what it returns: predict, evaluate, recalibrate, save, load
Sampler      which pictures of which domain a step sees
"""

from teachkit.mmpt.domains import Domain as Domain
from teachkit.mmpt.history import History as History
from teachkit.mmpt.model import MMPT as MMPT
from teachkit.mmpt.pretraining import pretrain as pretrain
from teachkit.mmpt.sampling import Sampler as Sampler
