"""The files inside dependencies that the embedded sets are made of, each known by its hash."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from teachkit import extras
from teachkit.errors import ChecksumError, DataError


@dataclass(frozen=True)
class Origin:
    """A file that ships inside an installed package.

    Attributes:
        package: import name; `member` is the path inside its folder.
        sha256: digest of the file that the sets were designed on.
    """

    package: str
    member: str
    sha256: str

    def path(self) -> Path:
        """Where the file lies, found without importing the package.

        Raises:
            MissingExtraError: when the package is not installed.
            DataError: when this version of it ships the file no more.
        """
        spec = find_spec(self.package)
        # Without the package, `need` says how to install it.
        start = spec.origin if spec else extras.need(self.package, "lessons").__file__
        found = Path(start or "").parent / self.member
        if not found.is_file():
            raise DataError(
                f"The installed {self.package} ships no '{self.member}'.",
                "Install the version that requirements.lock names.",
                path=str(found),
            )
        return found

    def verified(self) -> Path:
        """`path`, after its bytes were compared with the recorded digest.

        Raises:
            ChecksumError: when a new version of the package changed the file, naming both digests.
        """
        found = self.path()
        digest = hashlib.sha256(found.read_bytes()).hexdigest()
        if digest != self.sha256:
            raise ChecksumError(
                f"'{self.member}' of the installed {self.package} is another file than the sets were "
                f"made for: sha256 {digest}, expected {self.sha256}.",
                "Install the version that requirements.lock names.",
                path=str(found),
                found=digest,
                expected=self.sha256,
            )
        return found


SLIDE = Origin("skimage", "data/ihc.png", "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef")
FUNDUS = Origin(
    "skimage", "data/retina.jpg", "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6"
)
DIGITS = Origin(
    "sklearn",
    "datasets/data/digits.csv.gz",
    "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
)
WISCONSIN = Origin(
    "sklearn",
    "datasets/data/breast_cancer.csv",
    "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed",
)


def read_rgb(origin: Origin) -> np.ndarray:
    """The verified picture as uint8 [H, W, 3]."""
    with Image.open(origin.verified()) as picture:
        return np.asarray(picture.convert("RGB"))
