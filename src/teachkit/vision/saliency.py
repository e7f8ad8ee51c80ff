"""Does a heat map say something about what the network has learned?"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from teachkit.vision.transfer import Images, TransferClassifier, as_batch


@dataclass(frozen=True, eq=False)
class RandomWeightsCheck:
    """The maps of a trained network beside those of the same network with random weights.

    Attributes:
        maps: maps of the trained network at the size of the images, float32 [N, H, W].
        random_maps: the same for the first random network.
        similarity: mean over images and random networks of the absolute rank correlation between both maps:
            1 means that training changed nothing.
        chance: the same between maps of *different* images; smooth maps of few places correlate by luck, so
            `similarity` has to be read against this number, not against 0.
    """

    maps: np.ndarray
    random_maps: np.ndarray
    similarity: float
    chance: float

    @property
    def verdict(self) -> str:
        """One sentence with both numbers."""
        if self.similarity > 0.5:
            reading = "random weights draw much the same picture, so it explains little"
        else:
            reading = "random weights draw other pictures, so the maps depend on what was learned"
        return (
            f"Rank correlation with the maps of random weights {self.similarity:.2f} "
            f"(between maps of different images {self.chance:.2f}): {reading}."
        )


def randomised(model: TransferClassifier, images: Images, seed: int = 0) -> TransferClassifier:
    """A network of the same design with fresh random weights, its BatchNorm statistics taken from `images`.

    Without those statistics the signals of an untrained deep network die out, and its maps would be too
    easy to tell from any others. The caller's random numbers stay where they are.
    """
    with torch.random.fork_rng(devices=[]):
        # Far from the seeds of training runs: a network trained from seed 0 would share its first weights.
        torch.manual_seed(1_000_003 + seed)
        fresh = replace(model.spec, weights=None, trainable="all")()
    norms = [
        module for module in fresh.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
    ]
    for norm in norms:
        norm.momentum = None  # plain average over the batches seen
    fresh.train()
    with torch.no_grad():
        for part in as_batch(images).split(64):
            fresh(part)
    return fresh.to(next(model.parameters()).device).eval()


def _absolute_rank_correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Matrix [N, N] of \\|Spearman correlation\\| between every map of `a` and every map of `b` [N, h, w]."""
    from scipy.stats import rankdata

    def standard(maps: np.ndarray) -> np.ndarray:
        ranks = rankdata(maps.reshape(len(maps), -1), axis=1)
        ranks -= ranks.mean(1, keepdims=True)
        length = np.linalg.norm(ranks, axis=1, keepdims=True)
        return ranks / np.where(length == 0, 1, length)  # a constant map correlates with nothing

    return np.abs(standard(a) @ standard(b).T)


def random_weights_check(
    model: TransferClassifier, images: Images, target: int | np.ndarray, *, seeds: tuple[int, ...] = (0, 1, 2)
) -> RandomWeightsCheck:
    """Compare the class activation maps of `model` with those of networks that learned nothing.

    A map that survives random weights shows the image and the architecture, not what was learned. Rank
    correlations are taken on the places of the last feature map, not on enlarged pictures.

    Args:
        model: a trained network.
        images: N >= 2 images, see `as_batch`.
        target: class or classes as in `TransferClassifier.activation_maps`.
        seeds: one random network for each.

    Source: Adebayo et al., Sanity checks for saliency maps, NeurIPS 2018, section 3 (all layers at once).
    """
    trained = model.activation_maps(images, target, native=True)
    others = [randomised(model, images, seed) for seed in seeds]
    tables = [
        _absolute_rank_correlations(trained, o.activation_maps(images, target, native=True)) for o in others
    ]
    same = np.eye(len(trained), dtype=bool)
    return RandomWeightsCheck(
        maps=model.activation_maps(images, target),
        random_maps=others[0].activation_maps(images, target),
        similarity=float(np.mean([table[same].mean() for table in tables])),
        chance=float(np.mean([table[~same].mean() for table in tables])),
    )
