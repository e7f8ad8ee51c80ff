"""Image classifiers of torchvision and timm as the way down of a U-Net: their maps, from fine to coarse."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from teachkit.errors import FormatError, SettingsError, UnknownNameError, nearest
from teachkit.extras import need

PROBE = 128  # edge of the picture by which maps and their sizes are found


class Encoder(nn.Module):
    """A module that returns maps, and what is known about them.

    Attributes:
        maps: returns a list or a dict of maps [B, C, h, w].
        channels: of each map, from the finest to the coarsest.
        reductions: how often each map is smaller than the image.
    """

    def __init__(self, maps: nn.Module, in_channels: int) -> None:
        super().__init__()
        self.maps = maps
        self.width = _first_width(maps)
        if in_channels not in (1, self.width):
            raise SettingsError(
                f"The encoder takes {self.width} channels, not {in_channels}.",
                f"Use in_channels={self.width}, or 1 for grey pictures.",
                in_channels=in_channels,
            )
        shapes = [found.shape[1:] for found in _probe(self, torch.zeros(1, in_channels, PROBE, PROBE))]
        self.channels = [int(shape[0]) for shape in shapes]
        self.reductions = [reduction_of(shape[1]) for shape in shapes]
        if self.reductions != sorted(set(self.reductions)):
            raise FormatError(
                f"The maps of the encoder are {self.reductions} times smaller than the image.",
                "Give a module whose maps become smaller from one to the next.",
                reductions=self.reductions,
            )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps [B, C, h, w] from fine to coarse; a grey picture is repeated over the channels."""
        found = self.maps(x.expand(-1, self.width, -1, -1))
        return list(found.values()) if isinstance(found, dict) else list(found)


def load_encoder(encoder: str | nn.Module, in_channels: int) -> Encoder:
    """The way down of a U-Net from the name of an image classifier, or from a module; see `_load`.

    Raises:
        UnknownNameError: neither torchvision nor timm knows the name.
        FormatError: there are no maps that become smaller step by step, as in most transformers.
    """
    try:
        return _load(encoder, in_channels)
    except (
        AssertionError,
        AttributeError,
        RuntimeError,
    ) as error:  # what networks of a fixed input size raise
        name = encoder if isinstance(encoder, str) else type(encoder).__name__
        raise FormatError(
            f"'{name}' gives no maps for pictures of {PROBE} pixels ({error}).",
            "Use a convolutional network, for example 'resnet18'.",
            encoder=name,
        ) from error


def _load(encoder: str | nn.Module, in_channels: int) -> Encoder:
    """The way down called `encoder`, with random weights, or made from the module `encoder`.

    A name that both packages know means torchvision's model. Of a classifier the last map of each size is
    taken, and what lies behind the coarsest one is left out.
    """
    if isinstance(encoder, str):
        return Encoder(_by_name(encoder), in_channels)
    found = _probe(encoder, torch.zeros(1, _first_width(encoder), PROBE, PROBE))
    return Encoder(encoder if isinstance(found, list | tuple | dict) else _maps_of(encoder), in_channels)


def _by_name(name: str) -> nn.Module:
    models, timm = need("torchvision.models", "lessons"), need("timm", "lessons")
    if name in models.list_models(module=models):
        return _maps_of(models.get_model(name, weights=None))
    known = timm.list_models()
    if name not in known:
        options = [*models.list_models(module=models), *known]
        raise UnknownNameError(f"No encoder '{name}'.", nearest(name, options, "encoders"), encoder=name)
    return timm.create_model(name, pretrained=False, features_only=True)


def _maps_of(classifier: nn.Module) -> nn.Module:
    """`classifier` cut off behind its coarsest map; returns the last map of each size as a dict."""
    extraction = need("torchvision.models.feature_extraction", "lessons")
    training, evaluating = extraction.get_graph_node_names(classifier, suppress_diff_warning=True)
    names = [name for name in evaluating[1:] if name in set(training)]
    everything = extraction.create_feature_extractor(classifier, names, suppress_diff_warning=True)
    found = _probe(everything, torch.zeros(1, _first_width(classifier), PROBE, PROBE))
    last: dict[int, str] = {}
    for name, value in found.items():
        if (reduction := _reduction(value)) >= max(
            last, default=1
        ):  # what becomes larger again is on its way to the classes
            last[reduction] = name
    if len(last) < 2:
        raise FormatError(
            f"{type(classifier).__name__} has maps of {len(last)} sizes that halve the image.",
            "Use a convolutional network that halves its maps several times.",
        )
    return extraction.create_feature_extractor(classifier, list(last.values()), suppress_diff_warning=True)


def _reduction(value: object) -> int:
    """How often a map [1, C, h, h] with h > 1 is smaller than the probe; 0 for all else."""
    if not isinstance(value, Tensor) or value.ndim != 4:
        return 0
    height, width = value.shape[2:]
    return reduction_of(height) if height == width > 1 else 0


def reduction_of(edge: int) -> int:
    """The power of two nearest to how often `edge` goes into the probe: maps without padding lose a rim."""
    return int(2 ** np.round(np.log2(PROBE / edge)))


@torch.no_grad()
def _probe(module: nn.Module, image: Tensor) -> Any:
    """What `module` returns in eval mode; afterwards it is in the mode it was in."""
    was_training = module.training
    found = module.eval()(image)
    module.train(was_training)
    return found


def _first_width(module: nn.Module) -> int:
    """Channels that the first convolution takes."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            return part.in_channels
    raise FormatError(f"{type(module).__name__} has no convolution.", "Use a convolutional network.")
