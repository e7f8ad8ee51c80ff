"""Which rows of a withheld test are public while a challenge is open: chosen by a key, class by class."""

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teachkit.errors import SettingsError

PUBLIC = "public:"  # before the name of a set in the file of labels
SHORTEST_KEY = 16


def read_key(path: Path) -> bytes:
    """The secret in a file, without white space at its ends.

    Raises:
        SettingsError: there is no such file, or fewer than 16 bytes in it.
    """
    key = path.read_bytes().strip() if path.is_file() else b""
    if len(key) < SHORTEST_KEY:
        raise SettingsError(
            f"The key file '{path}' is absent or has fewer than {SHORTEST_KEY} bytes.",
            f"Make one: python -c 'import secrets; print(secrets.token_hex())' > {path}",
            path=str(path),
        )
    return key


def public_rows(labels: Mapping[str, ArrayLike], share: float, key: bytes) -> dict[str, NDArray[np.bool_]]:
    """For each set, True for rows of the public part; every class is in both parts.

    Rows are ordered by a keyed hash of set and row. Of each class (of a multi-label set: of each combination
    of labels) the first ones are public, rounded, and at least one is in either part where there are two.

    Raises:
        SettingsError: for a share that leaves a part empty.
    """
    if not 0 < share < 1:
        raise SettingsError(f"public_share is {share}.", "Give a share between 0 and 1, such as 0.3.")
    return {name: _public(name, np.asarray(rows), share, key) for name, rows in labels.items()}


def _public(name: str, labels: NDArray, share: float, key: bytes) -> NDArray[np.bool_]:
    flat = labels.reshape(len(labels), -1)
    _, group = np.unique(flat, axis=0, return_inverse=True)
    turn = [hmac.new(key, f"{name}/{row}".encode(), hashlib.sha256).digest() for row in range(len(flat))]
    chosen = np.zeros(len(flat), dtype=bool)
    for one in np.unique(group):
        rows = sorted(np.flatnonzero(group == one), key=turn.__getitem__)
        count = round(share * len(rows))
        chosen[rows[: min(max(count, 1), max(len(rows) - 1, 1))]] = True
    return chosen
