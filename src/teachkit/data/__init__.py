"""Data sets: NumPy arrays out, whatever came in, and always said where from."""

from teachkit.data.loading import first_available as first_available
from teachkit.data.loading import load as load
from teachkit.data.loading import weights_path as weights_path
from teachkit.data.shelf import Row as Row
from teachkit.data.shelf import catalogue as catalogue
from teachkit.data.splits import SPLITS as SPLITS
from teachkit.data.splits import TASKS as TASKS
from teachkit.data.splits import Info as Info
from teachkit.data.splits import Split as Split
