"""One network that gives the first weights of all others: the hyper-initializer.

architecture_graph    the operations and weights of a network as a graph
HyperInitializer      from such a graph to numbers: initialize, pretrain, save, load
Report                what got numbers, and what was left alone and why
recompute_statistics  running statistics of BatchNorm from pictures without labels
"""

from teachkit.hyperinit.architecture import OPS as OPS
from teachkit.hyperinit.architecture import ArchitectureGraph as ArchitectureGraph
from teachkit.hyperinit.architecture import architecture_graph as architecture_graph
from teachkit.hyperinit.initializer import HyperInitializer as HyperInitializer
from teachkit.hyperinit.report import Report as Report
from teachkit.hyperinit.statistics import recompute_statistics as recompute_statistics
