"""Several networks of any kind trained as one graph: uGNN.

UGNN            a union of model-graphs with learned scales and shifts of its numbers
Groups          which edges and which biases have theirs in common
reference_networks  the three networks of the published experiments
"""

from teachkit.ugnn.groups import Groups as Groups
from teachkit.ugnn.model import UGNN as UGNN
from teachkit.ugnn.networks import reference_networks as reference_networks
