"""From a traced network to nodes and edges: what becomes a node, and what lets its input pass.

Activations, dropout, flattening and all other steps that are none of the fifteen kinds let their input pass:
what reads them reads the node before them. Rules stand in `layer_rules` and `function_rules`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, fx, nn

from teachkit.errors import UnsupportedLayerError
from teachkit.graphs.tracing import steps_of
from teachkit.hyperinit.architecture import ACTIVATION, Kind, Parameter, four, layout
from teachkit.hyperinit.function_rules import read_function
from teachkit.hyperinit.layer_rules import read_layer

Shape = tuple[int, int, int, int]
NONE: Shape = (0, 0, 0, 0)


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
            steps = steps_of(module, whole)
        except UnsupportedLayerError as error:
            path = str(error.values.get("path", ""))
            if not path:
                raise
            # What holds for this part holds for all of its class.
            kind = type(module.get_submodule(path))
            why = f"{kind.__name__} cannot be traced{error.what.partition(' cannot be traced')[2]}"
            whole |= {part: why for part in module.modules() if type(part) is kind}
            continue
        return Reader(module, steps, whole, activations).found


class Reader:
    """Walks through the steps of a network.

    Attributes:
        found: nodes and edges so far.
        whole: parts that are one step, and why.
        names: path of each parameter by its id.
        place: for each step the node that holds its result; None for what is no data.
    """

    def __init__(
        self,
        module: nn.Module,
        steps: tuple[fx.Graph, nn.Module],
        whole: dict[nn.Module, str],
        activations: bool,
    ) -> None:
        graph, self.root = steps
        self.found, self.whole, self.activations = Found(), whole, activations
        self.names = {id(parameter): name for name, parameter in module.named_parameters()}
        self.taken: set[str] = set()
        self.place: dict[fx.Node, int | None] = {}
        for node in graph.nodes:
            self.place[node] = self.read(node)

    def read(self, node: fx.Node) -> int | None:
        """The node of the graph that holds the result of `node`; None for what is no data."""
        if node.op == "placeholder":
            return self.add("input", node.name) if node.users else None
        if node.op == "call_module":
            part = self.root.get_submodule(str(node.target))
            return read_layer(self, str(node.target), part, self.inputs(node))
        if node.op in ("call_function", "call_method"):
            return read_function(self, node, self.inputs(node))
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

    def tensor(self, value: Any, kind: Kind, transposed: int = 0) -> tuple[Parameter, ...]:
        """The parameter `value`, unless another node stands for it; `transposed` as in `Parameter`."""
        name = self.names.get(id(value))
        if name is None or name in self.taken:
            return ()
        self.taken.add(name)
        return (Parameter(name, kind, tuple(value.shape), transposed=transposed),)

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
        dilation: int | tuple[int, ...] = 1,
        transposed: bool = False,
    ) -> int:
        """Nodes for the weights of a convolution or a linear layer and for its bias."""
        widest = dilation if isinstance(dilation, tuple | list) else (dilation,)
        op = "conv" if groups == 1 else "dil_conv" if min(widest) > 1 else "sep_conv"
        shape = four(layout(tuple(weight.shape), groups if transposed else 0))
        own = self.tensor(weight, "weight", groups if transposed else 0)
        node = self.add(op, label, (before,), shape, own)
        if bias is None:
            return node
        numbers = (int(bias.shape[0]), 1, 1, 1)
        return self.add("bias", f"{label}.bias", (node,), numbers, self.tensor(bias, "bias"))

    def normalisation(
        self, label: str, before: int | None, op: str, weight: Tensor | None, bias: Tensor | None
    ) -> int | None:
        """One node for scale and shift, if there are any."""
        if weight is None:
            return before
        shift = () if bias is None else self.tensor(bias, "beta")
        shape = (int(weight.shape[0]), 1, 1, 1)
        return self.add(op, label, (before,), shape, (*self.tensor(weight, "gamma"), *shift))

    def activation(self, label: str, inputs: tuple[int, ...]) -> int | None:
        if self.activations and inputs:
            return self.add(ACTIVATION, label, inputs)
        return inputs[0] if inputs else None

    def owner(self, node: fx.Node, weight: Tensor) -> str:
        """Path of the layer that holds `weight`, else the name of the operation."""
        return self.names.get(id(weight), "").rpartition(".")[0] or node.name

    def origin(self, value: Any) -> Tensor | None:
        """The parameter from which `value` comes, through steps that reshape or standardise it."""
        while isinstance(value, fx.Node) and value.op != "get_attr":
            value = value.args[0] if value.args else None
        if not isinstance(value, fx.Node):
            return None
        found: Any = self.root
        for part in str(value.target).split("."):
            found = getattr(found, part)
        return found if isinstance(found, Tensor) else None
