"""A few pictures of a set, from the data source in force; drawn once, then kept as a file."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from PIL import Image

from teachkit import data
from teachkit.errors import DataError, UnknownNameError
from teachkit.paths import atomic

CHOSEN = ("TEACHKIT_OFFLINE", "TEACHKIT_DATA", "TEACHKIT_BUCKET")
SHOWN = 8
EDGE = 64


def is_at_hand(name: str) -> bool:
    """Whether the source that was chosen has the set; nothing is fetched from public hosts for a visitor."""
    if not any(os.environ.get(variable) for variable in CHOSEN):
        return False
    try:
        return bool(data.available([name]))
    except (DataError, UnknownNameError):
        return False


def strip_of(name: str) -> bytes | None:
    """A row of training pictures as PNG; None when the source does not have the set."""
    kept = Path(settings.SITE_FOLDER) / "pictures" / f"{name}.png"
    if not kept.exists():
        try:
            split = data.load(name, "train")
        except (DataError, UnknownNameError):
            return None
        with atomic(kept) as temporary:
            temporary.write_bytes(_drawn(split))
    return kept.read_bytes()


def _drawn(split: data.Split) -> bytes:
    """The first picture of each class, then others, side by side."""
    images: Any = split.images
    labels = np.asarray(split.labels)
    firsts = [int(np.flatnonzero(labels[:, 0] == one)[0]) for one in np.unique(labels[:, 0])]
    rows = list(dict.fromkeys([*firsts, *range(len(split))]))[:SHOWN]
    sheet = Image.new("RGB", (len(rows) * (EDGE + 4), EDGE), "white")
    for place, row in enumerate(rows):
        picture = Image.fromarray(np.asarray(images[row])).convert("RGB")
        sheet.paste(picture.resize((EDGE, EDGE), Image.Resampling.NEAREST), (place * (EDGE + 4), 0))
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()
