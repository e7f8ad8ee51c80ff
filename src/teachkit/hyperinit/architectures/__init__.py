"""Random architectures to pre-train a hyper-initializer on.

Stream        architectures in an order that only a seed decides, without those that are held out
Architecture  family, settings as one line, and `build`
FAMILIES      the families by name; each can be written out: ``Basic((16, 32), (1, 1), 3, 3, 1, "none")``
parse         the architecture that such a line describes
references    networks for the exam, which a stream never draws by default
"""

from teachkit.hyperinit.architectures.cells import Cells as Cells
from teachkit.hyperinit.architectures.design import Architecture as Architecture
from teachkit.hyperinit.architectures.families import Basic as Basic
from teachkit.hyperinit.architectures.families import Bottleneck as Bottleneck
from teachkit.hyperinit.architectures.families import Dense as Dense
from teachkit.hyperinit.architectures.families import MobileV1 as MobileV1
from teachkit.hyperinit.architectures.families import MobileV2 as MobileV2
from teachkit.hyperinit.architectures.families import SqueezeExcite as SqueezeExcite
from teachkit.hyperinit.architectures.families import Vgg as Vgg
from teachkit.hyperinit.architectures.stream import FAMILIES as FAMILIES
from teachkit.hyperinit.architectures.stream import Stream as Stream
from teachkit.hyperinit.architectures.stream import parse as parse
from teachkit.hyperinit.architectures.stream import references as references
