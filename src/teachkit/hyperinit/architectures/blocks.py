"""The blocks that families are made of; a stride of 2 halves height and width of a map, rounded up."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.errors import UnknownNameError, nearest

POOLS = ("none", "max", "average")


def conv_norm(
    before: int,
    after: int,
    kernel: int = 3,
    stride: int = 1,
    *,
    groups: int = 1,
    dilation: int = 1,
    relu: bool = True,
) -> nn.Sequential:
    """A convolution, BatchNorm and, unless told otherwise, a ReLU."""
    padding = dilation * (kernel // 2)
    layers: list[nn.Module] = [
        nn.Conv2d(before, after, kernel, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(after),
    ]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)


def pooling(kind: str, stride: int = 2) -> nn.Module:
    """The maximum or average of 3×3 places: "max", "average", or "none" for no layer at all."""
    if kind == "max":
        return nn.MaxPool2d(3, stride, padding=1)
    if kind == "average":
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    if kind == "none":
        return nn.Identity()
    raise UnknownNameError(f"No pooling '{kind}'.", nearest(kind, POOLS, "kinds of pooling"), name=kind)


def stem(channels: int, width: int, kernel: int, stride: int, pool: str) -> nn.Sequential:
    """The first layers of a network: a convolution, perhaps with a stride, perhaps with pooling after it."""
    return nn.Sequential(conv_norm(channels, width, kernel, stride), pooling(pool))


class Gate(nn.Module):
    """Each channel times a number from 0 to 1 that follows from the averages of all channels.

    Source: Hu et al., Squeeze-and-excitation networks, CVPR 2018.
    """

    def __init__(self, width: int, reduction: int = 4) -> None:
        super().__init__()
        inner = max(width // reduction, 4)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.squeeze = nn.Conv2d(width, inner, 1)
        self.excite = nn.Conv2d(inner, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.excite(F.relu(self.squeeze(self.average(x)))))


class Residual(nn.Module):
    """``relu(shortcut(x) + body(x))``; the shortcut is x itself wherever the shapes agree.

    Source: He et al., Deep residual learning for image recognition, CVPR 2016.
    """

    def __init__(self, body: nn.Module, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = body
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != after:
            self.shortcut = conv_norm(before, after, 1, stride, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.shortcut(x) + self.body(x))


class Inverted(nn.Module):
    """Widen, filter each channel alone, narrow; added to the input wherever the shapes agree.

    Source: Sandler et al., MobileNetV2, CVPR 2018.
    """

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = before * expansion
        widen = [conv_norm(before, inner, 1)] if expansion > 1 else []
        self.body = nn.Sequential(
            *widen,
            conv_norm(inner, inner, kernel, stride, groups=inner),
            conv_norm(inner, after, 1, relu=False),
        )
        self.adds = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.adds else self.body(x)


class Append(nn.Module):
    """The input with the channels of `body` appended.

    Source: Huang et al., Densely connected convolutional networks, CVPR 2017.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.body(x)], 1)


def separable(before: int, after: int, kernel: int, stride: int) -> nn.Sequential:
    """Each channel filtered alone, then mixed by a 1×1 convolution.

    Source: Howard et al., MobileNets, 2017.
    """
    return nn.Sequential(
        conv_norm(before, before, kernel, stride, groups=before), conv_norm(before, after, 1)
    )
