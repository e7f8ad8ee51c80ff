"""One file a family of layers; importing this package registers all rules."""

from teachkit.graphs.rules import activating as activating
from teachkit.graphs.rules import convolving as convolving
from teachkit.graphs.rules import linear as linear
from teachkit.graphs.rules import moving as moving
from teachkit.graphs.rules.registry import rule as rule
