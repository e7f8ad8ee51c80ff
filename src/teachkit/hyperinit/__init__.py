"""One network that gives the first weights of all others: the hyper-initializer.

architecture_graph    the operations and weights of a network as a graph
HyperInitializer      from such a graph to numbers: initialize, pretrain, save, load
Report                what got numbers, and what was left alone and why
recompute_statistics  running statistics of BatchNorm from pictures without labels
Stream                random architectures to pre-train on
references            networks for the exam, which a stream never draws by default
pretext_scores        what networks can do with predicted numbers, without any training
"""

from teachkit.hyperinit.architecture import OPS as OPS
from teachkit.hyperinit.architecture import ArchitectureGraph as ArchitectureGraph
from teachkit.hyperinit.architecture import architecture_graph as architecture_graph
from teachkit.hyperinit.architectures import Stream as Stream
from teachkit.hyperinit.architectures import references as references
from teachkit.hyperinit.initializer import HyperInitializer as HyperInitializer
from teachkit.hyperinit.report import Report as Report
from teachkit.hyperinit.scoring import pretext_scores as pretext_scores
from teachkit.hyperinit.statistics import recompute_statistics as recompute_statistics
