"""Tensor types with named axes, shared by every model signature; checked while the tests run."""

from jaxtyping import Float, Int64
from torch import Tensor

Images = Float[Tensor, "batch channel row col"]  # in [0, 1]
Rows = Float[Tensor, "batch feature"]  # a table, or features of images
Logits = Float[Tensor, "batch class"]
Classes = Int64[Tensor, " batch"]
