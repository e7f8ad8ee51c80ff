"""A network as a graph: its operations, and every single neuron and edge.

trace           the operations of a network and the data between them
model_graph     every neuron a node, every product with a weight an edge; a graph that can be run
unite           several model-graphs as one, without an edge between them
cell_graph      nuclei of an image joined to their neighbours: there a node is data
GCNConv, …       layers over a fixed graph of data nodes: SAGEConv, GINConv, MeanReadout, Patches, grid_graph
rule            write the rule for a layer that has none
"""

from teachkit.graphs.cells import CellGraph as CellGraph
from teachkit.graphs.cells import cell_graph as cell_graph
from teachkit.graphs.conversion import model_graph as model_graph
from teachkit.graphs.graph_layers import GCNConv as GCNConv
from teachkit.graphs.graph_layers import GINConv as GINConv
from teachkit.graphs.graph_layers import MeanReadout as MeanReadout
from teachkit.graphs.graph_layers import Patches as Patches
from teachkit.graphs.graph_layers import SAGEConv as SAGEConv
from teachkit.graphs.graph_layers import adjacency as adjacency
from teachkit.graphs.graph_layers import grid_graph as grid_graph
from teachkit.graphs.record import Edges as Edges
from teachkit.graphs.record import ModelGraph as ModelGraph
from teachkit.graphs.record import Nodes as Nodes
from teachkit.graphs.rules import rule as rule
from teachkit.graphs.tracing import OpGraph as OpGraph
from teachkit.graphs.tracing import trace as trace
from teachkit.graphs.union import Union as Union
from teachkit.graphs.union import unite as unite
