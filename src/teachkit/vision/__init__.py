"""Image networks: classifiers that transfer, what they look at, and networks that answer per pixel.

Classifier             recipe of a network: which body, which start, what may learn
TransferClassifier     the network itself, with its class activation maps
random_weights_check   do the maps depend on what was learned?
Augment                random changes of training images, and of masks along with them
UNet                   scores of classes for every pixel, for pictures of any size
"""

from teachkit.vision.augmentation import Augment as Augment
from teachkit.vision.saliency import RandomWeightsCheck as RandomWeightsCheck
from teachkit.vision.saliency import random_weights_check as random_weights_check
from teachkit.vision.saliency import randomised as randomised
from teachkit.vision.transfer import Classifier as Classifier
from teachkit.vision.transfer import TransferClassifier as TransferClassifier
from teachkit.vision.unet import UNet as UNet
