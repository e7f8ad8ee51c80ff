"""Which images each of several models trains on, and the mixture that all are tested on.

Source: arXiv 2508.10583, section 4: k-means after PCA, random parts, or the three forms of Morpho-MNIST.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from teachkit.data.splits import Split
from teachkit.errors import FormatError, SettingsError, nearest
from teachkit.ugnn.thickness import FORMS, in_form

if TYPE_CHECKING:
    import pandas as pd

    from teachkit.plots import Picture

By = Literal["kmeans", "random", "thickness"]
COMPONENTS = 50

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Clusters:
    """The images of several models, disjoint, and the splits that all have in common.

    Attributes:
        train: what model k trains on; together the training images of the fold.
        names: of the clusters, for tables and pictures.
        val, test: the mixture: images like those of every cluster.
        by: "kmeans", "random" or "thickness".
        fold: number of the fold; it also is the seed of the clusters.
        test_cluster: [N], the cluster each test image is most like; None for random clusters.
    """

    train: tuple[Split, ...]
    names: tuple[str, ...]
    val: Split
    test: Split
    by: By
    fold: int
    test_cluster: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.train)

    def __repr__(self) -> str:
        return f"<Clusters {self.title}>"

    @property
    def title(self) -> str:
        """A printable line with the number of images of each model."""
        sizes = " + ".join(f"{size:,}" for size in self.sizes)
        return f"{self.test.info.title}, clusters by {self.by}, fold {self.fold}: {sizes} training images"

    @property
    def sizes(self) -> tuple[int, ...]:
        """Training images of each model."""
        return tuple(len(part) for part in self.train)

    @property
    def table(self) -> "pd.DataFrame":
        """Clusters by classes: the number of training images."""
        import pandas as pd

        classes = self.test.info.classes
        counts = [np.bincount(part.labels[:, 0], minlength=len(classes)) for part in self.train]
        return pd.DataFrame(counts, index=pd.Index(self.names, name="cluster"), columns=list(classes))

    def steps_per_epoch(self, batch_size: int) -> int:
        """As many as the largest cluster needs.

        Raises:
            SettingsError: when a cluster has fewer images than that, so that a batch would be empty.
        """
        if batch_size < 1:
            raise SettingsError(f"Batches of {batch_size} images are empty.", "Use at least 1.")
        steps = -(-max(self.sizes) // batch_size)
        if min(self.sizes) < steps:
            smallest = int(np.argmin(self.sizes))
            raise SettingsError(
                f"The smallest cluster, {self.names[smallest]}, has {self.sizes[smallest]} images, but the "
                f"largest takes {steps} steps with {max(self.sizes):,} images in batches of {batch_size}.",
                "Use larger batches, fewer clusters, or another fold.",
            )
        return steps

    def batches(self, batch_size: int, epochs: int, seed: int = 0) -> Iterator[list[Rows]]:
        """Row numbers of one batch for each model, step by step.

        In an epoch every image of every cluster is in exactly one batch, and all models take the same number
        of steps: a smaller cluster is cut into smaller batches. The order of a cluster depends on the seed
        and on nothing else, so every way to train sees the same batches.
        """
        steps = self.steps_per_epoch(batch_size)
        orders = [np.random.default_rng([seed, k]) for k in range(len(self))]
        for _ in range(epochs):
            parts = [
                np.array_split(order.permutation(size), steps)
                for order, size in zip(orders, self.sizes, strict=True)
            ]
            yield from (list(step) for step in zip(*parts, strict=True))

    def plot(self) -> "Picture":
        """Images of each cluster, its classes, and where clusters lie among all images."""
        from sklearn.decomposition import PCA

        from teachkit.plots.mixtures import mixture

        seen = np.concatenate([_flat(part) for part in self.train])
        places = PCA(2, random_state=0).fit_transform(seen)
        return mixture(
            [np.asarray(part.images) for part in self.train],
            self.names,
            self.table.to_numpy(),
            self.test.info.classes,
            np.split(places, np.cumsum(self.sizes)[:-1]),
            title=self.title,
            note="The map is of pixels: images that look alike lie close to each other",
        )


def clusters(
    train: Split, test: Split, models: int = 3, by: By = "kmeans", *, fold: int = 0, folds: int = 5
) -> Clusters:
    """Give each of `models` models images of its own.

    One of `folds` equal parts of `train`, with the same class shares, becomes the validation split; whole
    groups where the set knows patients. The rest is clustered, never the test images:

    - "kmeans": the first 50 principal components, then k-means;
    - "random": equal parts, drawn without regard to what the images show;
    - "thickness": digits only; every image of all splits is drawn in one of three forms at random, and model
      k gets the plain, the thinned, or the thickened ones.

    Args:
        train: every image that is there to learn from, for example "train" joined with "val".
        test: the mixture that every model is tested on.
        models: how many clusters.
        by: how to cluster.
        fold: 0 to folds - 1; also the seed of the clusters.
        folds: at least 2.

    Raises:
        SettingsError: for unusable settings.
        FormatError: for a set without images of one size, or without classes.
    """
    _check(train, test, models, by, fold, folds)
    fitted, val = _fold(train, fold, folds)
    if by == "thickness":
        fitted, form_of_train = _drawn(fitted, fold, 0)
        val, _ = _drawn(val, fold, 1)
        test, form_of_test = _drawn(test, fold, 2)
        return Clusters(_parts(fitted, form_of_train, models), FORMS, val, test, by, fold, form_of_test)
    names = tuple(f"cluster {k + 1}" for k in range(models))
    if by == "random":
        owner = np.random.default_rng([fold, models]).permutation(len(fitted)) % models
        return Clusters(_parts(fitted, owner, models), names, val, test, by, fold)
    owner, owner_of_test = _by_kmeans(fitted, test, models, fold)
    return Clusters(_parts(fitted, owner, models), names, val, test, by, fold, owner_of_test)


def _fold(pool: Split, fold: int, folds: int) -> tuple[Split, Split]:
    """Training and validation rows of one fold."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    cutter = StratifiedKFold if pool.groups is None else StratifiedGroupKFold
    cuts = cutter(folds, shuffle=True, random_state=0).split(pool.labels, pool.labels[:, 0], pool.groups)
    fitted, held_out = list(cuts)[fold]
    return pool[fitted].replace(split="train"), pool[held_out].replace(split="val")


def _by_kmeans(train: Split, test: Split, models: int, seed: int) -> tuple[Rows, NDArray[np.int64]]:
    """Cluster of each training image, and the one each test image is nearest to."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline

    pixels = _flat(train)
    finder = make_pipeline(
        PCA(min(COMPONENTS, *pixels.shape), random_state=seed),
        KMeans(models, n_init=10, random_state=seed),
    ).fit(pixels)
    return finder.predict(pixels).astype(np.intp), finder.predict(_flat(test)).astype(np.int64)


def _flat(split: Split) -> NDArray[np.float32]:
    return np.asarray(split.images).reshape(len(split), -1).astype(np.float32) / np.float32(255)


def _drawn(split: Split, fold: int, place: int) -> tuple[Split, NDArray[np.int64]]:
    """Every digit in one form at random, and the number of that form."""
    chosen = np.random.default_rng([fold, place]).permutation(len(split)) % len(FORMS)
    images = np.stack(
        [in_form(image, FORMS[form]) for image, form in zip(np.asarray(split.images), chosen, strict=True)]
    )
    return split.replace(images=images), chosen.astype(np.int64)


def _parts(split: Split, owner: NDArray[np.integer], models: int) -> tuple[Split, ...]:
    return tuple(split[np.flatnonzero(owner == k)] for k in range(models))


def _check(train: Split, test: Split, models: int, by: str, fold: int, folds: int) -> None:
    if by not in get_args(By):
        raise SettingsError(f"No clusters by '{by}'.", nearest(str(by), get_args(By), "ways"), by=by)
    if not 1 < models <= len(train):
        raise SettingsError(
            f"{models} models for {len(train):,} images.", "Ask for two or more.", models=models
        )
    if by == "thickness" and models != len(FORMS):
        raise SettingsError(
            f"There are {len(FORMS)} forms and {models} models.", f"Ask for {len(FORMS)}.", models=models
        )
    if not (folds > 1 and 0 <= fold < folds):
        raise SettingsError(
            f"Fold {fold} of {folds}.", "Use at least 2 folds, numbered from 0.", fold=fold, folds=folds
        )
    for split in (train, test):
        if not isinstance(split.images, np.ndarray) or split.info.task not in (
            "binary",
            "multi-class",
            "ordinal",
        ):
            raise FormatError(
                f"{split.title} has no images of one size with one class each.",
                "Use a set for classification, all images of one size.",
                name=split.info.name,
            )
