"""Tensor types with named axes, shared by signatures that pass batches on; checked while the tests run."""

from jaxtyping import Float, Shaped
from torch import Tensor

Inputs = Float[Tensor, "batch *axes"]  # images [batch, channel, row, col] in [0, 1], or rows [batch, feature]
Outputs = Float[Tensor, "batch *outputs"]  # logits [batch, class], per pixel [batch, class, row, col]
Targets = Shaped[Tensor, "batch *labels"]  # classes [batch], labels [batch, label], masks [batch, row, col]
