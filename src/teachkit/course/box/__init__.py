"""A box for code that we did not write: no network, no files but its own folder, no secrets, limits.

The box is a Jupyter kernel like any other, named ``teachkit-box``: nbgrader, papermill and JupyterLab start
it by that name. What makes it a box is `BoxProvisioner`, which puts bubblewrap in front of the kernel.
"""

from teachkit.course.box.walls import Limits as Limits
from teachkit.course.box.walls import missing as missing

KERNEL = "teachkit-box"

__all__ = ["KERNEL", "Limits", "missing"]
