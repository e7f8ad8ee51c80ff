"""A residual network for small pictures: few layers, no early halving, any number of input channels."""

import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (16, 32, 64)  # channels of the three stages; the map is halved before the second and the third


class ResidualBlock(nn.Module):
    """``relu(shortcut(x) + f(x))`` with f = two 3×3 convolutions, each followed by BatchNorm.

    The shortcut is x itself, or a 1×1 convolution where f changes size or number of channels.

    Source: He et al., Deep residual learning for image recognition, CVPR 2016, figure 2 and section 3.3.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.f = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.shortcut(x) + self.f(x))


class SmallResNet(nn.Module):
    """A 3×3 stem and three stages of one block; [B, channels, H, W] to [B, 64, H / 4, W / 4], rounded up.

    A picture of 28×28 pixels ends in a map of 7×7 places, where a stem made for photographs leaves one.
    """

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, WIDTHS[0], 3, padding=1, bias=False),
            nn.BatchNorm2d(WIDTHS[0]),
            nn.ReLU(inplace=True),
        )
        ends = (WIDTHS[0], *WIDTHS[:-1])
        self.blocks = nn.ModuleList(
            ResidualBlock(before, after, stride=1 if index == 0 else 2)
            for index, (before, after) in enumerate(zip(ends, WIDTHS, strict=True))
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return x

    def stages(self) -> dict[str, nn.Module]:
        """Parts whose outputs are worth a picture, in order."""
        return {"first layer": self.stem} | {f"stage {i}": b for i, b in enumerate(self.blocks, start=1)}
