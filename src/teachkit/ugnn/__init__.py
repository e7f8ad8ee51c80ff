"""Several networks of any kind trained as one graph: uGNN.

UGNN            a union of model-graphs with learned scales and shifts of its numbers
Groups          which edges and which biases have theirs in common
clusters        images for each network of its own, and the mixture all are tested on
compare         the same networks and clusters, trained in several ways: plain, solo, joint, pooled
Way             one of these, with its rule and groups
train_one, fit  one run, and its training loop
reference_networks  the three networks of the published experiments, and a graph network
related_networks    three perceptrons of different depth that start alike where they match
"""

from teachkit.ugnn.clustering import Clusters as Clusters
from teachkit.ugnn.clustering import clusters as clusters
from teachkit.ugnn.comparison import Comparison as Comparison
from teachkit.ugnn.comparison import Run as Run
from teachkit.ugnn.comparison import compare as compare
from teachkit.ugnn.comparison import train_one as train_one
from teachkit.ugnn.fitting import Alone as Alone
from teachkit.ugnn.fitting import fit as fit
from teachkit.ugnn.groups import Groups as Groups
from teachkit.ugnn.model import UGNN as UGNN
from teachkit.ugnn.networks import reference_networks as reference_networks
from teachkit.ugnn.networks import related_networks as related_networks
from teachkit.ugnn.ways import Way as Way
