"""Which node a layer of torch becomes: one rule for each kind of layer."""

from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.instancenorm import _InstanceNorm

from teachkit.hyperinit.report import SLOPE

if TYPE_CHECKING:
    from teachkit.hyperinit.reading import Reader, Shape

NORMS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, _InstanceNorm)
MAX_POOLS = (
    nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d,
    nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d,
)  # fmt: skip
AVERAGE_POOLS = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
AVERAGES = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
POOLS = (("max_pool", MAX_POOLS), ("avg_pool", AVERAGE_POOLS), ("glob_avg", AVERAGES))
NOT_ACTIVATIONS = ("MultiheadAttention", "Softmax", "Softmax2d", "LogSoftmax")


def read_layer(reader: "Reader", label: str, part: nn.Module, inputs: tuple[int, ...]) -> int | None:
    """The node that holds the result of the layer `part`; that of its input where it becomes none."""
    before = inputs[0] if inputs else None
    if isinstance(part, _ConvNd):
        across = isinstance(part, _ConvTransposeNd)
        return reader.convolution(
            label, before, part.weight, part.bias, part.groups, part.dilation, transposed=across
        )
    if isinstance(part, nn.Linear):
        return reader.convolution(label, before, part.weight, part.bias)
    if isinstance(part, (_BatchNorm, *NORMS)):
        kind = "bn" if isinstance(part, _BatchNorm) else "ln"
        return reader.normalisation(label, before, kind, part.weight, getattr(part, "bias", None))
    if isinstance(part, nn.MultiheadAttention):
        return attention(reader, label, inputs, part)
    if part in reader.whole:
        return reader.leave(part, reader.whole[part], before)
    for op, kinds in POOLS:
        if isinstance(part, kinds):
            return reader.add(op, label, inputs, window(getattr(part, "kernel_size", 0)))
    name = type(part).__name__
    is_activation = type(part).__module__.endswith("modules.activation") and name not in NOT_ACTIVATIONS
    reader.leave(part, SLOPE if isinstance(part, nn.PReLU) else f"there is no rule for {name}", before)
    return reader.activation(label, inputs) if is_activation else before


def attention(
    reader: "Reader", label: str, inputs: tuple[int, ...], part: nn.MultiheadAttention
) -> int | None:
    """Queries, keys and values by one linear layer, their product, and a linear layer behind it."""
    before = inputs[0] if inputs else None
    if part.in_proj_weight is None:
        return reader.leave(part, "there is no rule for attention with keys of another width", before)
    drawn = reader.convolution(f"{label}.in_proj", before, part.in_proj_weight, part.in_proj_bias)
    product = reader.add("msa", label, (drawn, *inputs[1:]))
    return reader.convolution(f"{label}.out_proj", product, part.out_proj.weight, part.out_proj.bias)


def window(size: Any) -> "Shape":
    """The shape of a pooling node whose window is `size`; none where the window follows the image."""
    edges = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if not all(isinstance(edge, int) and edge > 0 for edge in edges):
        return 0, 0, 0, 0
    return 1, 1, int(edges[-2] if len(edges) > 1 else edges[0]), int(edges[-1])
