"""The course on a stick: all that a machine without a network needs, and an installer that checks it."""

from teachkit.ops.offline.stick import Stick as Stick
from teachkit.ops.offline.stick import write_stick as write_stick
