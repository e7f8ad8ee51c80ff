"""The arrays of one split before they meet what the registry says about the set."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from teachkit.data.splits import Info, Split


@dataclass(frozen=True)
class Part:
    """What a reader returns for each split; the fields mean what they mean in `Split`."""

    images: np.ndarray | list[np.ndarray] | None
    labels: np.ndarray
    masks: np.ndarray | list[np.ndarray] | None = None
    table: pd.DataFrame | None = None
    groups: np.ndarray | None = None

    def as_split(self, info: Info, split: str, size: int | None) -> Split:
        """These arrays with a name and a title."""
        return Split(self.images, self.labels, info, split, size, self.masks, self.table, self.groups)
