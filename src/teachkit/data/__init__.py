"""Data sets: NumPy arrays out, whatever came in, and always said where from."""

from teachkit.data.audit import Audit as Audit
from teachkit.data.audit import audit_splits as audit_splits
from teachkit.data.folders import Imported as Imported
from teachkit.data.folders import import_folder as import_folder
from teachkit.data.folders import register_folder as register_folder
from teachkit.data.loading import available as available
from teachkit.data.loading import first_available as first_available
from teachkit.data.loading import load as load
from teachkit.data.loading import weights_path as weights_path
from teachkit.data.shelf import Row as Row
from teachkit.data.shelf import catalogue as catalogue
from teachkit.data.splits import SPLITS as SPLITS
from teachkit.data.splits import TASKS as TASKS
from teachkit.data.splits import Info as Info
from teachkit.data.splits import Split as Split
