"""A network as a graph: its operations, and every single neuron and edge.

trace           the operations of a network and the data between them
model_graph     every neuron a node, every product with a weight an edge; a graph that can be run
"""

from teachkit.graphs.conversion import model_graph as model_graph
from teachkit.graphs.record import Edges as Edges
from teachkit.graphs.record import ModelGraph as ModelGraph
from teachkit.graphs.record import Nodes as Nodes
from teachkit.graphs.tracing import OpGraph as OpGraph
from teachkit.graphs.tracing import trace as trace
