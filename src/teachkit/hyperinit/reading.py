"""From a traced network to nodes and edges: which operation becomes a node, and which lets its input pass.

Activations, dropout, flattening and all other steps that are none of the fifteen kinds let their input pass:
what reads them reads the node before them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from teachkit.errors import UnsupportedLayerError
from teachkit.graphs.tracing import part_of, program_of
from teachkit.hyperinit.architecture import ACTIVATION, Kind, Parameter

Shape = tuple[int, int, int, int]
NONE: Shape = (0, 0, 0, 0)

MAX_POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d)
AVERAGE_POOLS = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
AVERAGES = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
NOT_ACTIVATIONS = ("MultiheadAttention", "Softmax", "Softmax2d", "LogSoftmax")

# Functions and methods of tensors by name; "add_" and "__add__" are the same as "add".
SAME = {
    "iadd": "add",
    "imul": "mul",
    "multiply": "mul",
    "concat": "cat",
    "concatenate": "cat",
    "bmm": "matmul",
}
POOLS = {"max_pool2d": "max_pool", "adaptive_max_pool2d": "max_pool", "avg_pool2d": "avg_pool"}
MEANS = ("mean", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
ACTIVATIONS = (
    "relu", "relu6", "gelu", "silu", "sigmoid", "tanh", "hardswish", "hardsigmoid", "leaky_relu", "elu",
    "selu", "celu", "mish", "softplus", "softsign", "hardtanh", "logsigmoid", "prelu",
)  # fmt: skip


@dataclass
class Found:
    """Nodes in the order of calculation, and the tensors that have none."""

    ops: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    parameters: list[tuple[Parameter, ...]] = field(default_factory=list)
    edges: set[tuple[int, int]] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)

    def left_alone(self, module: nn.Module) -> Iterator[tuple[str, str]]:
        """Names of the tensors of `module` that no node stands for, and why."""
        covered = {parameter.name for here in self.parameters for parameter in here}
        for name, _ in module.named_parameters():
            if name not in covered:
                yield name, self.reasons.get(name, "the forward pass does not use it")


def read(module: nn.Module, activations: bool = False) -> Found:
    """The nodes and edges of `module`; a part that cannot be followed becomes one step without a node."""
    whole: dict[nn.Module, str] = {}
    while True:
        try:
            program = program_of(module, whole)
        except UnsupportedLayerError as error:
            path = str(error.values.get("path", ""))
            if not path:
                raise
            # What holds for this part holds for all of its class.
            kind = type(module.get_submodule(path))
            why = f"{kind.__name__} cannot be traced{error.what.partition(' cannot be traced')[2]}"
            whole |= {part: why for part in module.modules() if type(part) is kind}
            continue
        return _Reader(module, program, whole, activations).found


class _Reader:
    """Walks through a program; `place` says which node holds the result of each step."""

    def __init__(
        self, module: nn.Module, program: fx.GraphModule, whole: dict[nn.Module, str], activations: bool
    ) -> None:
        self.found = Found()
        self.whole, self.activations = whole, activations
        self.names = {id(parameter): name for name, parameter in module.named_parameters()}
        self.taken: set[str] = set()
        self.place: dict[fx.Node, int | None] = {}
        for node in program.graph.nodes:
            self.place[node] = self.read(node)

    def read(self, node: fx.Node) -> int | None:
        """The node of the graph that holds the result of `node`; None for what is no data."""
        if node.op == "placeholder":
            return self.add("input", node.name) if node.users else None
        if node.op == "call_module":
            return self.read_module(node, part_of(node))
        if node.op in ("call_function", "call_method"):
            return self.read_function(node)
        if node.op == "get_attr" and (name := self.names.get(id(self.origin(node)))):
            self.found.reasons.setdefault(name, "there is no rule for the way it is used")
        return None

    def add(
        self,
        op: str,
        label: str,
        inputs: "tuple[int | None, ...]" = (),
        shape: Shape = NONE,
        parameters: tuple[Parameter, ...] = (),
    ) -> int:
        """A new node behind `inputs`."""
        number = len(self.found.ops)
        self.found.ops.append(op)
        self.found.labels.append(label)
        self.found.shapes.append(shape)
        self.found.parameters.append(parameters)
        self.found.edges |= {(before, number) for before in inputs if before is not None}
        return number

    def inputs(self, node: fx.Node) -> tuple[int, ...]:
        """The nodes that `node` reads, each once, in the order of its arguments."""
        places = (self.place[before] for before in node.all_input_nodes)
        return tuple(dict.fromkeys(place for place in places if place is not None))

    def tensor(self, value: Any, kind: Kind) -> tuple[Parameter, ...]:
        """The parameter `value`, unless another node stands for it already."""
        name = self.names.get(id(value))
        if name is None or name in self.taken:
            return ()
        self.taken.add(name)
        return (Parameter(name, kind, tuple(value.shape)),)

    # -- layers ------------------------------------------------------------------------------------------

    def read_module(self, node: fx.Node, part: nn.Module) -> int | None:
        inputs, label = self.inputs(node), str(node.target)
        before = inputs[0] if inputs else None
        if isinstance(part, nn.Conv2d):
            return self.convolution(label, before, part.weight, part.bias, part.groups, part.dilation)
        if isinstance(part, nn.Linear):
            return self.convolution(label, before, part.weight, part.bias)
        if isinstance(part, _BatchNorm | nn.LayerNorm | nn.GroupNorm | _InstanceNorm):
            kind = "bn" if isinstance(part, _BatchNorm) else "ln"
            return self.normalisation(label, before, kind, part.weight, part.bias)
        if isinstance(part, nn.MultiheadAttention):
            return self.attention(label, inputs, part)
        if part in self.whole:
            return self.leave(part, self.whole[part], before)
        for op, kinds in (("max_pool", MAX_POOLS), ("avg_pool", AVERAGE_POOLS), ("glob_avg", AVERAGES)):
            if isinstance(part, kinds):
                return self.add(op, label, inputs, _window(getattr(part, "kernel_size", 0)))
        name = type(part).__name__
        is_activation = type(part).__module__.endswith("modules.activation") and name not in NOT_ACTIVATIONS
        self.leave(part, f"there is no rule for {name}", before)
        return self.activation(label, inputs) if is_activation else before

    def leave(self, part: nn.Module, why: str, before: int | None) -> int | None:
        """Note why the tensors of `part` have no node, and let the input pass."""
        for parameter in part.parameters():
            if name := self.names.get(id(parameter)):
                self.found.reasons[name] = why
        return before

    def convolution(
        self,
        label: str,
        before: int | None,
        weight: Tensor,
        bias: Tensor | None,
        groups: int = 1,
        dilation: int | tuple[int, ...] | str = 1,
    ) -> int:
        """Nodes for the weights of a convolution or a linear layer and for its bias."""
        widest = dilation if isinstance(dilation, tuple) else (int(dilation),)
        op = "conv" if groups == 1 else "dil_conv" if min(widest) > 1 else "sep_conv"
        node = self.add(op, label, (before,), _shape(weight), self.tensor(weight, "weight"))
        if bias is None:
            return node
        shape = (int(bias.shape[0]), 1, 1, 1)
        return self.add("bias", f"{label}.bias", (node,), shape, self.tensor(bias, "bias"))

    def normalisation(
        self, label: str, before: int | None, op: str, weight: Tensor | None, bias: Tensor | None
    ) -> int | None:
        """One node for scale and shift, if there are any."""
        if weight is None:
            return before
        shift = () if bias is None else self.tensor(bias, "beta")
        shape = (int(weight.shape[0]), 1, 1, 1)
        return self.add(op, label, (before,), shape, (*self.tensor(weight, "gamma"), *shift))

    def attention(self, label: str, inputs: tuple[int, ...], part: nn.MultiheadAttention) -> int | None:
        """Queries, keys and values by one linear layer, their product, and a linear layer behind it."""
        before = inputs[0] if inputs else None
        if part.in_proj_weight is None:
            return self.leave(part, "there is no rule for attention with keys of another width", before)
        drawn = self.convolution(f"{label}.in_proj", before, part.in_proj_weight, part.in_proj_bias)
        product = self.add("msa", label, (drawn, *inputs[1:]))
        return self.convolution(f"{label}.out_proj", product, part.out_proj.weight, part.out_proj.bias)

    def activation(self, label: str, inputs: tuple[int, ...]) -> int | None:
        if self.activations and inputs:
            return self.add(ACTIVATION, label, inputs)
        return inputs[0] if inputs else None

    # -- functions and methods ---------------------------------------------------------------------------

    def read_function(self, node: fx.Node) -> int | None:
        name = _name(node)
        inputs = self.inputs(node)
        if not inputs:
            return None
        with_weights: dict[str, Callable[[fx.Node, int], int | None]] = {
            "conv2d": self.read_conv2d,
            "linear": self.read_linear,
            "batch_norm": self.read_norm,
            "layer_norm": self.read_norm,
            "group_norm": self.read_norm,
        }
        if name in with_weights:
            return with_weights[name](node, inputs[0])
        if name in ("add", "cat", "mul") and len(inputs) > 1:
            return self.add({"add": "sum", "cat": "concat", "mul": "cse"}[name], node.name, inputs)
        if name == "add" and (position := self.position(node)) is not None:
            return self.add("sum", node.name, (*inputs, position))
        if name in MEANS:
            return self.add("glob_avg", node.name, inputs)
        if name in POOLS:
            return self.add(POOLS[name], node.name, inputs, _window(_argument(node, 1, "kernel_size")))
        if name in ("softmax", "scaled_dot_product_attention"):
            return self.add("msa", node.name, inputs)
        if name in ACTIVATIONS:
            return self.activation(node.name, inputs)
        self.note_unread(node, name)
        # The product of attention with the values belongs to the attention.
        attention = [place for place in inputs if name == "matmul" and self.found.ops[place] == "msa"]
        return attention[0] if attention else inputs[0]

    def read_conv2d(self, node: fx.Node, before: int) -> int | None:
        weight, bias = (self.origin(_argument(node, at, name)) for at, name in ((1, "weight"), (2, "bias")))
        if weight is None:
            return before
        groups, dilation = _argument(node, 6, "groups", 1), _argument(node, 5, "dilation", 1)
        return self.convolution(self.owner(node, weight), before, weight, bias, groups, dilation)

    def read_linear(self, node: fx.Node, before: int) -> int | None:
        weight, bias = (self.origin(_argument(node, at, name)) for at, name in ((1, "weight"), (2, "bias")))
        if weight is None:
            return before
        return self.convolution(self.owner(node, weight), before, weight, bias)

    def read_norm(self, node: fx.Node, before: int) -> int | None:
        kind = _name(node)
        first = 3 if kind == "batch_norm" else 2
        weight = self.origin(_argument(node, first, "weight"))
        bias = self.origin(_argument(node, first + 1, "bias"))
        if weight is None:
            return before
        op = "bn" if kind == "batch_norm" else "ln"
        return self.normalisation(self.owner(node, weight), before, op, weight, bias)

    def owner(self, node: fx.Node, weight: Tensor) -> str:
        """Path of the layer that holds `weight`, else the name of the operation."""
        return self.names.get(id(weight), "").rpartition(".")[0] or node.name

    def position(self, node: fx.Node) -> int | None:
        """A node for numbers that are learned for each place and added to the data; they keep their start."""
        for before in node.all_input_nodes:
            value = self.origin(before) if self.place[before] is None else None
            if value is not None and value.dim() > 2 and id(value) in self.names:
                self.found.reasons[self.names[id(value)]] = "numbers of a position keep their start"
                return self.add("pos_enc", before.name)
        return None

    def origin(self, value: Any) -> Tensor | None:
        """The parameter from which `value` comes, through steps that reshape or standardise it."""
        while isinstance(value, fx.Node) and value.op != "get_attr":
            value = value.args[0] if value.args else None
        if not isinstance(value, fx.Node):
            return None
        found: Any = value.graph.owning_module
        for part in str(value.target).split("."):
            found = getattr(found, part)
        return found if isinstance(found, Tensor) else None

    def note_unread(self, node: fx.Node, name: str) -> None:
        for before in node.all_input_nodes:
            value = self.origin(before) if before.op == "get_attr" else None
            if value is not None and id(value) in self.names:
                self.found.reasons[self.names[id(value)]] = f"there is no rule for the function '{name}'"


def _name(node: fx.Node) -> str:
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    name = name.strip("_")
    return SAME.get(name, name)


def _argument(node: fx.Node, place: int, name: str, default: Any = None) -> Any:
    return node.args[place] if len(node.args) > place else node.kwargs.get(name, default)


def _shape(weight: Tensor) -> Shape:
    sizes = [int(size) for size in weight.shape] + [1, 1]
    return sizes[0], sizes[1], sizes[2], sizes[3]


def _window(size: Any) -> Shape:
    """The shape of a pooling node whose window is `size`; none where the window follows the image."""
    pair = size if isinstance(size, tuple | list) else (size, size)
    if not all(isinstance(edge, int) and edge > 0 for edge in pair):
        return NONE
    return 1, 1, int(pair[0]), int(pair[-1])
