"""The BIG benchmark: suites, prediction files, scores. No network, no web, no torch.

write_predictions  probabilities of your model as a file
read_predictions   the same file, every fault named
score              the file against the truth
over_runs          several trainings of one recipe: the mean and its interval
"""

from teachkit.big.faults import Fault as Fault
from teachkit.big.measuring import RANKED as RANKED
from teachkit.big.predictions import Predictions as Predictions
from teachkit.big.predictions import read_predictions as read_predictions
from teachkit.big.predictions import write_predictions as write_predictions
from teachkit.big.runs import over_runs as over_runs
from teachkit.big.scoring import BigScore as BigScore
from teachkit.big.scoring import score as score
from teachkit.big.suites import Member as Member
from teachkit.big.suites import Suite as Suite
from teachkit.big.suites import find_suite as find_suite
from teachkit.errors import PredictionFileError as PredictionFileError
