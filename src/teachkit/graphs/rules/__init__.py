"""One file a family of layers; importing this package registers all rules."""

from teachkit.graphs.rules import activating as activating
from teachkit.graphs.rules import arithmetic as arithmetic
from teachkit.graphs.rules import convolving as convolving
from teachkit.graphs.rules import linear as linear
from teachkit.graphs.rules import messages as messages
from teachkit.graphs.rules import moving as moving
from teachkit.graphs.rules import normalising as normalising
from teachkit.graphs.rules import pooling as pooling
from teachkit.graphs.rules import reducing as reducing
from teachkit.graphs.rules import refusals as refusals
from teachkit.graphs.rules.registry import rule as rule
