"""The secret of a site on one's own machine."""

import os
import secrets
from pathlib import Path


def kept_key(path: Path) -> str:
    """The key in `path`; drawn by the first process that asks, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(drawn := secrets.token_urlsafe(50))
    return drawn
