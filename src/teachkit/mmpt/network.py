"""One backbone, one last layer for each domain."""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.errors import FormatError
from teachkit.mmpt.backbones import Backbone
from teachkit.mmpt.domains import Domain
from teachkit.mmpt.heads import Head, make_head
from teachkit.mmpt.normalisation import Cuts, Route, domain_layers, replaced


class DomainNet(nn.Module):
    """A backbone for all domains and a head for each; the rows of a batch go to the heads of their domains.

    Args:
        backbone: its BatchNorm layers are replaced as `norm` says.
        domains: in the order of their numbers.
        norm: see `normalisation.replaced`.
        ordinal: see `heads.make_head`.
        canvas: images are put into the middle of a square with this edge, filled with 0 *after*
            normalisation, which is the mean colour; 0 takes them as they come.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: Backbone,
        domains: Sequence[Domain],
        *,
        norm: str = "shared",
        ordinal: str = "cumulative",
        canvas: int = 0,
    ) -> None:
        super().__init__()
        self.route, self.canvas, self.channels = Route(), canvas, backbone.channels
        # The heads are drawn before layers are replaced: the norm must not change what the seed gives.
        self.heads = nn.ModuleList(make_head(domain, backbone.features, ordinal) for domain in domains)
        self.backbone = replaced(backbone.module, norm, len(domains), self.route)
        for name, values in (("mean", backbone.mean), ("std", backbone.std)):
            statistic = torch.tensor(values).view(1, 3, 1, 1)
            if backbone.channels == 1:
                statistic = statistic.mean(1, keepdim=True)
            self.register_buffer(name, statistic)
        self.to(memory_format=torch.channels_last)

    def prepare(self, images: Tensor) -> Tensor:
        """Images in 0..1 with the backbone's channels, normalised, on the canvas.

        Raises:
            FormatError: for colour images where the backbone is grey, or images larger than the canvas.
        """
        if images.ndim != 4 or images.shape[1] not in (1, self.channels):
            raise FormatError(
                f"The network got images of shape {list(images.shape)}.",
                f"Give [batch, {' or '.join(map(str, sorted({1, self.channels})))}, height, width].",
                shape=tuple(images.shape),
            )
        x = (images.expand(-1, self.channels, -1, -1) - self.mean) / self.std
        if self.canvas:
            free = [self.canvas - edge for edge in x.shape[2:]]
            if min(free) < 0:
                raise FormatError(
                    f"Images of {list(x.shape[2:])} pixels do not fit a canvas of {self.canvas}.",
                    "Use a larger canvas, or load a smaller size.",
                    shape=tuple(images.shape),
                )
            (top, left) = (edge // 2 for edge in free)
            x = F.pad(x, (left, free[1] - left, top, free[0] - top))
        return x.contiguous(memory_format=torch.channels_last)

    def features(self, images: Sequence[Tensor], domains: Sequence[int]) -> Tensor:
        """What the backbone says of pictures [b, C, H, W] of several domains: [B, F], in the same order."""
        self.route.cuts = [(domain, len(part)) for domain, part in zip(domains, images, strict=True)]
        prepared = [self.prepare(part) for part in images]
        x = prepared[0] if len(prepared) == 1 else torch.cat(prepared)
        return cast(Tensor, self.backbone(x))

    def forward(self, images: Sequence[Tensor], domains: Sequence[int]) -> list[Tensor]:
        """Outputs of the heads of `domains`, each for its own pictures."""
        parts = self.features(images, domains).split([rows for _, rows in self.route.cuts])
        return [self.heads[domain](part) for domain, part in zip(domains, parts, strict=True)]

    def head(self, domain: int) -> Head:
        """The last layer of a domain."""
        return cast(Head, self.heads[domain])

    @property
    def has_statistics(self) -> bool:
        """Whether any layer normalises by statistics that belong to somebody."""
        return bool(domain_layers(self))

    @property
    def cuts(self) -> Cuts:
        """Domains and rows of the last batch."""
        return self.route.cuts
