"""Several splits of one set as one, for experiments that draw their own splits."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from teachkit.errors import FormatError

if TYPE_CHECKING:
    from teachkit.data.splits import Split


def join_splits(splits: Sequence["Split"]) -> "Split":
    """The rows of all splits, in the order given.

    Whoever joins splits gives up the official test set. Each new split must then keep a patient, where
    `groups` names one, on one side. Groups are taken as they are: join before `objects` or `crops`, which
    number pictures within their split.

    Raises:
        FormatError: splits of different sets, or a field that only some of them have.
    """
    first = splits[0]
    for other in splits[1:]:
        if other.info.name != first.info.name or other.info.task != first.info.task:
            raise FormatError(
                f"{first.title} and {other.title} are not splits of one set.",
                "Join splits that one name was loaded by.",
                names=(first.info.name, other.info.name),
            )
    sizes = {split.size for split in splits}
    return first.replace(
        images=_joined([split.images for split in splits], "images"),
        labels=np.concatenate([split.labels for split in splits]),
        masks=_joined([split.masks for split in splits], "masks"),
        table=_joined([split.table for split in splits], "table"),
        groups=_joined([split.groups for split in splits], "groups"),
        split=" + ".join(dict.fromkeys(split.split for split in splits)),
        size=sizes.pop() if len(sizes) == 1 else None,
    )


def _joined(parts: list[Any], field: str) -> Any:
    """One field of all splits: None when all lack it, a list when pictures differ in size."""
    missing = [part is None for part in parts]
    if all(missing):
        return None
    if any(missing):
        raise FormatError(
            f"Only {len(parts) - sum(missing)} of {len(parts)} splits have {field}.",
            "Give all of them the same fields.",
            field=field,
        )
    if isinstance(parts[0], pd.DataFrame):
        return pd.concat(parts, ignore_index=True)
    if all(isinstance(part, np.ndarray) for part in parts) and len({part.shape[1:] for part in parts}) == 1:
        return np.concatenate(parts)
    return [picture for part in parts for picture in part]
