"""Which node a function or a method of tensors becomes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor, fx

from teachkit.hyperinit.layer_rules import window
from teachkit.hyperinit.report import FACTOR, POSITION, TOKEN

if TYPE_CHECKING:
    from teachkit.hyperinit.reading import Reader

# Functions and methods by name; "add_" and "__add__" are the same as "add".
SAME = {
    "iadd": "add",
    "imul": "mul",
    "multiply": "mul",
    "concat": "cat",
    "concatenate": "cat",
    "bmm": "matmul",
}
POOLS = {
    f"{kind}_pool{axes}d": op
    for axes in (1, 2, 3)
    for kind, op in (("max", "max_pool"), ("adaptive_max", "max_pool"), ("avg", "avg_pool"))
}
MEANS = ("mean", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
ACTIVATIONS = (
    "relu", "relu6", "gelu", "silu", "sigmoid", "tanh", "hardswish", "hardsigmoid", "leaky_relu", "elu",
    "selu", "celu", "mish", "softplus", "softsign", "hardtanh", "logsigmoid", "prelu",
)  # fmt: skip
REPEATS = ("expand", "expand_as", "repeat")
JOINS = {"add": "sum", "cat": "concat", "mul": "cse"}
FREE = {"mul": FACTOR, "addcmul": FACTOR, "cat": TOKEN}  # what a free tensor is that meets data here

Rule = Callable[["Reader", fx.Node, int], int | None]


def read_function(reader: "Reader", node: fx.Node, inputs: tuple[int, ...]) -> int | None:
    """The node that holds the result of a call; None where no data goes in."""
    name = name_of(node)
    # A learned token is repeated as often as there are images: of these only the number goes in.
    first = node.args[0] if node.args else None
    if not inputs or (name in REPEATS and isinstance(first, fx.Node) and reader.place[first] is None):
        return None
    if name in WITH_WEIGHTS:
        return WITH_WEIGHTS[name](reader, node, inputs[0])
    free = free_tensors(reader, node)
    for tensor in free:
        if name in FREE:
            reader.found.reasons[tensor] = FREE[name]
    if name in JOINS and len(inputs) > 1:
        return reader.add(JOINS[name], node.name, inputs)
    if name == "add" and (position := read_position(reader, free)) is not None:
        return reader.add("sum", node.name, (*inputs, position))
    if name in MEANS:
        return reader.add("glob_avg", node.name, inputs)
    if name in POOLS:
        return reader.add(POOLS[name], node.name, inputs, window(argument(node, 1, "kernel_size")))
    if name in ("softmax", "scaled_dot_product_attention"):
        read_position(reader, free, node=False)
        return reader.add("msa", node.name, inputs)
    if name in ACTIVATIONS:
        return reader.activation(node.name, inputs)
    note_unread(reader, node, name)
    # The product of attention with the values belongs to the attention.
    attention = [place for place in inputs if name == "matmul" and reader.found.ops[place] == "msa"]
    return attention[0] if attention else inputs[0]


def read_convolution(reader: "Reader", node: fx.Node, before: int) -> int | None:
    weight, bias = weights(reader, node, 1)
    if weight is None:
        return before
    transposed = "transpose" in name_of(node)
    dilation = argument(node, 7 if transposed else 5, "dilation", 1)
    groups = argument(node, 6, "groups", 1)
    label = reader.owner(node, weight)
    return reader.convolution(label, before, weight, bias, groups, dilation, transposed)


def read_linear(reader: "Reader", node: fx.Node, before: int) -> int | None:
    weight, bias = weights(reader, node, 1)
    return before if weight is None else reader.convolution(reader.owner(node, weight), before, weight, bias)


def read_norm(reader: "Reader", node: fx.Node, before: int) -> int | None:
    kind = name_of(node)
    weight, bias = weights(reader, node, 3 if kind in ("batch_norm", "instance_norm") else 2)
    if weight is None:
        return before
    op = "bn" if kind == "batch_norm" else "ln"
    return reader.normalisation(reader.owner(node, weight), before, op, weight, bias)


WITH_WEIGHTS: dict[str, Rule] = {
    "linear": read_linear,
    **{f"conv{axes}d": read_convolution for axes in (1, 2, 3)},
    **{f"conv_transpose{axes}d": read_convolution for axes in (1, 2, 3)},
    **{f"{kind}_norm": read_norm for kind in ("batch", "layer", "group", "instance", "rms")},
}


def weights(reader: "Reader", node: fx.Node, first: int) -> tuple[Tensor | None, Tensor | None]:
    """The parameters "weight" and "bias" of a call, arguments number `first` and `first` + 1."""
    weight = reader.origin(argument(node, first, "weight"))
    return weight, reader.origin(argument(node, first + 1, "bias"))


def free_tensors(reader: "Reader", node: fx.Node) -> dict[str, int]:
    """Parameters by path that go into a call as they are and not as weights, and their numbers of axes."""
    found = {}
    for before in node.all_input_nodes:
        value = reader.origin(before) if reader.place[before] is None else None
        if value is not None and (name := reader.names.get(id(value))):
            found[name] = value.dim()
    return found


def read_position(reader: "Reader", free: dict[str, int], node: bool = True) -> int | None:
    """A node for numbers that are learned for each place and added to the data; they keep their start."""
    for name, axes in free.items():
        if axes > 1:
            reader.found.reasons[name] = POSITION
            return reader.add("pos_enc", name) if node else None
    return None


def note_unread(reader: "Reader", node: fx.Node, name: str) -> None:
    """Say of parameters that go into a call without a rule that there is none."""
    for before in node.all_input_nodes:
        value = reader.origin(before) if before.op == "get_attr" else None
        if value is not None and id(value) in reader.names:
            reason = f"there is no rule for the function '{name}'"
            path = reader.names[id(value)]
            if reader.found.reasons.get(path) not in (FACTOR, TOKEN, POSITION):
                reader.found.reasons[path] = reason


def name_of(node: fx.Node) -> str:
    """What is called, without underscores around it."""
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    name = name.strip("_")
    return SAME.get(name, name)


def argument(node: fx.Node, place: int, name: str, default: Any = None) -> Any:
    """An argument of a call, by its place or by its name."""
    return node.args[place] if len(node.args) > place else node.kwargs.get(name, default)
