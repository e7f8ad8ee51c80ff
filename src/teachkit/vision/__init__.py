"""Image classifiers that transfer, and what they look at.

Classifier             recipe of a network: which body, which start, what may learn
TransferClassifier     the network itself, with its class activation maps
random_weights_check   do the maps depend on what was learned?
"""

from teachkit.vision.saliency import RandomWeightsCheck as RandomWeightsCheck
from teachkit.vision.saliency import random_weights_check as random_weights_check
from teachkit.vision.saliency import randomised as randomised
from teachkit.vision.transfer import Classifier as Classifier
from teachkit.vision.transfer import TransferClassifier as TransferClassifier
