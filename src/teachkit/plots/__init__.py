"""Colour-safe figures from arrays; each shows itself as one PNG with alternative text.

images              pictures side by side, with heat maps
class_balance       share of each class in each split
descent             two weights walking down a loss
curves, intervals   repeated runs with their interval over seeds
confusion           who is taken for whom
explore_threshold   what a threshold costs at a prevalence
explore_statistics  one network by the statistics of everyone, of a domain, of a batch
explore_strength    images at rising strength, and what it did to the score
animate             a short moving picture with a still twin
residual_network    one block, and the image on its way through all of them
u_shape             the way down, the way up, and what is passed across
segmentation        images, true and predicted masks, and their errors
cheat_the_metric    change a true mask and watch which score notices
reliability         do stated probabilities come true?
residuals, bands    where a predicted number is wrong, and whether intervals hold
neurons             every neuron and edge of a model-graph
lit_neurons         what chosen neurons of it depend on
degree_maps         how many edges meet in each neuron of a layer
gradient_map        which numbers of several models each loss can move
sharing_stops       the same at the stops of a knob that makes models share
explore_softsign    what scale, shift and bound do to a weight
repeated_softsign   the same again and again
sharing             edges and distinct numbers, layer by layer
flow                operations or layers as boxes, from top to bottom
decoding            from the state of a node to the weights of its layer
layer_spreads       how large the numbers of each layer are
untrained_designs   networks nobody trained: their drawing and their answers
operations          the operations and weights of a network as boxes
path_lengths        which of them are joined, and over how many edges
spy                 the adjacency matrix of several graphs, a block each
cells               nuclei of an image joined to their neighbours
set_scores          one score of several models over the sets of a benchmark
boxes, ladder       errors over many random splits; errors step by step against a baseline
"""

from teachkit.plots.across_sets import set_scores as set_scores
from teachkit.plots.animations import Animation as Animation
from teachkit.plots.animations import animate as animate
from teachkit.plots.cell_graphs import cells as cells
from teachkit.plots.cheating import Cheat as Cheat
from teachkit.plots.cheating import MetricCheat as MetricCheat
from teachkit.plots.cheating import cheat_the_metric as cheat_the_metric
from teachkit.plots.clouds import clouds as clouds
from teachkit.plots.decisions import class_balance as class_balance
from teachkit.plots.decisions import confusion as confusion
from teachkit.plots.decisions import reliability as reliability
from teachkit.plots.decodings import Decoding as Decoding
from teachkit.plots.decodings import decoding as decoding
from teachkit.plots.degrees import LayerCount as LayerCount
from teachkit.plots.degrees import degree_maps as degree_maps
from teachkit.plots.degrees import sharing as sharing
from teachkit.plots.designs import Answers as Answers
from teachkit.plots.designs import Design as Design
from teachkit.plots.designs import untrained_designs as untrained_designs
from teachkit.plots.explorers import Explorer as Explorer
from teachkit.plots.flows import Arrow as Arrow
from teachkit.plots.flows import Box as Box
from teachkit.plots.flows import flow as flow
from teachkit.plots.gradients import gradient_map as gradient_map
from teachkit.plots.gradients import sharing_stops as sharing_stops
from teachkit.plots.landscapes import descent as descent
from teachkit.plots.layer_scales import layer_spreads as layer_spreads
from teachkit.plots.networks import residual_network as residual_network
from teachkit.plots.neural_graphs import Field as Field
from teachkit.plots.neural_graphs import lit_neurons as lit_neurons
from teachkit.plots.neural_graphs import neurons as neurons
from teachkit.plots.numbers import bands as bands
from teachkit.plots.numbers import residuals as residuals
from teachkit.plots.operation_graphs import operations as operations
from teachkit.plots.operation_kinds import Operation as Operation
from teachkit.plots.path_matrices import path_lengths as path_lengths
from teachkit.plots.picture import Picture as Picture
from teachkit.plots.pictures import images as images
from teachkit.plots.runs import curves as curves
from teachkit.plots.runs import intervals as intervals
from teachkit.plots.segmentations import segmentation as segmentation
from teachkit.plots.softsigns import SoftsignExplorer as SoftsignExplorer
from teachkit.plots.softsigns import explore_softsign as explore_softsign
from teachkit.plots.softsigns import repeated_softsign as repeated_softsign
from teachkit.plots.spies import spy as spy
from teachkit.plots.spreads import boxes as boxes
from teachkit.plots.spreads import ladder as ladder
from teachkit.plots.strengths import StrengthExplorer as StrengthExplorer
from teachkit.plots.strengths import explore_strength as explore_strength
from teachkit.plots.switches import StatisticsSwitch as StatisticsSwitch
from teachkit.plots.switches import explore_statistics as explore_statistics
from teachkit.plots.thresholds import ThresholdExplorer as ThresholdExplorer
from teachkit.plots.thresholds import explore_threshold as explore_threshold
from teachkit.plots.unets import u_shape as u_shape
