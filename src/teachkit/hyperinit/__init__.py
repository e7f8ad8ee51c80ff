"""One network that gives the first weights of all others: the hyper-initializer.

architecture_graph   the operations and weights of a network as a graph
"""

from teachkit.hyperinit.architecture import OPS as OPS
from teachkit.hyperinit.architecture import ArchitectureGraph as ArchitectureGraph
from teachkit.hyperinit.architecture import architecture_graph as architecture_graph
