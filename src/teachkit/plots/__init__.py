"""Colour-safe figures from arrays; each shows itself as one PNG with alternative text.

images              pictures side by side, with heat maps
class_balance       share of each class in each split
descent             two weights walking down a loss
curves, intervals   repeated runs with their interval over seeds
confusion           who is taken for whom
explore_threshold   what a threshold costs at a prevalence
residual_network    one block, and the image on its way through all of them
reliability         do stated probabilities come true?
boxes, ladder       errors over many random splits; errors step by step against a baseline
"""

from teachkit.plots.decisions import class_balance as class_balance
from teachkit.plots.decisions import confusion as confusion
from teachkit.plots.decisions import reliability as reliability
from teachkit.plots.landscapes import descent as descent
from teachkit.plots.networks import residual_network as residual_network
from teachkit.plots.picture import Picture as Picture
from teachkit.plots.pictures import images as images
from teachkit.plots.runs import curves as curves
from teachkit.plots.runs import intervals as intervals
from teachkit.plots.spreads import boxes as boxes
from teachkit.plots.spreads import ladder as ladder
from teachkit.plots.thresholds import ThresholdExplorer as ThresholdExplorer
from teachkit.plots.thresholds import explore_threshold as explore_threshold
