"""The operation graph of a network: one node an operation, an edge where a result flows into the next one."""

import os
import traceback
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn

from teachkit.errors import FormatError, GraphError, UnsupportedLayerError
from teachkit.graphs.rules.registry import MODULES

if TYPE_CHECKING:
    import networkx

    from teachkit.plots import Picture


@dataclass(frozen=True)
class Operation:
    """One node of the operation graph.

    Attributes:
        name: unique in the graph.
        op: placeholder, call_module, call_function, call_method, get_attr or output.
        target: what is called: a module's path, a function's or a method's name.
        module: class name of the module, "" for other operations.
        path: path of the module or parameter, "" for functions.
        shape: of the result with the example's batch size; None without an example or for what is no tensor.
        parameters: how many learned numbers the module holds itself.
    """

    name: str
    op: str
    target: str
    module: str = ""
    path: str = ""
    shape: tuple[int, ...] | None = None
    parameters: int = 0


@dataclass(frozen=True, eq=False)
class OpGraph:
    """Operations in the order of calculation; `edges` are pairs of positions in `nodes`."""

    nodes: tuple[Operation, ...]
    edges: tuple[tuple[int, int], ...]
    name: str = ""
    program: fx.GraphModule | None = field(default=None, repr=False)

    @property
    def num_nodes(self) -> int:
        return len(self.nodes)

    @property
    def num_edges(self) -> int:
        return len(self.edges)

    def to_networkx(self) -> "networkx.DiGraph":
        """The same graph for networkx: nodes are numbers with the fields of `Operation` as attributes."""
        import networkx

        graph = networkx.DiGraph(name=self.name)
        for number, node in enumerate(self.nodes):
            graph.add_node(number, **vars(node))
        graph.add_edges_from(self.edges)
        return graph

    def draw(self, title: str = "") -> "Picture":
        """A box an operation and an arrow where data flows; with an example, shapes stand in the boxes."""
        from teachkit.graphs.drawing import draw_operations

        return draw_operations(self, title)


def trace(module: nn.Module, example: Tensor | None = None) -> OpGraph:
    """The operations of `module` and the data that flows between them, in evaluation mode.

    Args:
        example: an input [B, ...]; with it each operation knows the shape of its result.

    Raises:
        UnsupportedLayerError: for a forward method that depends on the numbers in a tensor.
    """
    program = program_of(module)
    shapes = _shapes(program, module, example) if example is not None else {}
    order = {node: place for place, node in enumerate(program.graph.nodes)}
    nodes = tuple(_operation(node, module, shapes.get(node.name)) for node in order)
    edges = tuple((order[before], order[node]) for node in order for before in node.all_input_nodes)
    return OpGraph(nodes, edges, type(module).__name__, program)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Inside, the module is in evaluation mode; afterwards each part is in the mode it was in."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


class _Tracer(fx.Tracer):
    """Looks into every module except torch's own layers, those with a rule of their own, and `whole` ones."""

    def __init__(self, whole: Collection[nn.Module] = ()) -> None:
        super().__init__()
        self.whole = {id(part) for part in whole}
        self.failed = ""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return id(m) in self.whole or type(m) in MODULES or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception:
            self.failed = self.failed or self.path_of_module(m)
            raise


def program_of(module: nn.Module, whole: Collection[nn.Module] = ()) -> fx.GraphModule:
    """The module as a torch.fx program that shares its parameters; see `steps_of`."""
    graph, root = steps_of(module, whole)
    return fx.GraphModule(root, graph)


def steps_of(module: nn.Module, whole: Collection[nn.Module] = ()) -> tuple[fx.Graph, nn.Module]:
    """The steps of the module, and the module in which their paths lead to layers and tensors.

    Args:
        whole: parts that become one operation each, whatever they do inside.

    Raises:
        UnsupportedLayerError: for a forward method that depends on the numbers in a tensor; its `path`
            leads to the innermost part with such a method, "" for the network itself.
    """
    if not isinstance(module, nn.Module):
        raise FormatError(
            f"A network is wanted, and this is a {type(module).__name__}.",
            "Give a torch module; a recipe for one must be called first.",
        )
    wrapped = nn.Sequential(OrderedDict(network=module)) if _is_leaf(module) else module
    tracer = _Tracer(whole)
    with evaluating(module):
        try:
            graph = tracer.trace(wrapped)
        except (fx.proxy.TraceError, TypeError, RuntimeError, ValueError, NotImplementedError) as error:
            raise UnsupportedLayerError(
                f"{type(module).__name__} cannot be traced: {str(error).rstrip('.')}{_where(error)}.",
                "Its forward method must do the same steps for every input: no `if` or loop over the numbers "
                "in a tensor. Take this part out of forward, or convert the parts one by one.",
                module=type(module).__name__,
                path=tracer.failed,
            ) from error
        return graph, wrapped


def _is_leaf(module: nn.Module) -> bool:
    return _Tracer().is_leaf_module(module, "")


def _where(error: Exception) -> str:
    """The line of the network's own code at which tracing stopped."""
    ours = (os.path.dirname(torch.__file__), __file__)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(ours)]
    if not frames:
        return ""
    last = frames[-1]
    return f" (at `{last.line}`, line {last.lineno} of {os.path.basename(last.filename)})"


class _Recorder(fx.Interpreter):
    """Runs a program and keeps the shape of each result."""

    def __init__(self, program: fx.GraphModule) -> None:
        super().__init__(program)
        self.shapes: dict[str, tuple[int, ...] | None] = {}
        self.now: fx.Node | None = None

    def run_node(self, n: fx.Node) -> Any:
        self.now = n
        result = super().run_node(n)
        self.shapes[n.name] = tuple(result.shape) if isinstance(result, Tensor) else None
        return result


def _shapes(program: fx.GraphModule, module: nn.Module, example: Tensor) -> dict[str, tuple[int, ...] | None]:
    return run(program, module, example)[1]


def run(
    program: fx.GraphModule, module: nn.Module, example: Tensor
) -> tuple[Any, dict[str, tuple[int, ...] | None]]:
    """The program's output for `example` and the shape of each result."""
    recorder = _Recorder(program)
    with evaluating(program), evaluating(module), torch.no_grad():
        try:
            return recorder.run(example), recorder.shapes
        except Exception as error:
            where = getattr(recorder.now, "target", "?")
            raise GraphError(
                f"The example of shape {tuple(example.shape)} does not go through the network: "
                f"'{where}' says {str(error).splitlines()[0]}",
                "Give an example with a batch dimension, such as torch.zeros(1, 1, 28, 28).",
                shape=tuple(example.shape),
            ) from error


def _operation(node: fx.Node, module: nn.Module, shape: tuple[int, ...] | None) -> Operation:
    target = (
        node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    )
    path = str(node.target) if node.op in ("call_module", "get_attr") else ""
    kind, learned = "", 0
    if node.op == "call_module":
        part = part_of(node)
        kind = type(part).__name__
        learned = sum(parameter.numel() for parameter in part.parameters())
    return Operation(node.name, node.op, target, kind, path, shape, learned)


def part_of(node: fx.Node) -> nn.Module:
    """The module that a call_module node calls."""
    program = node.graph.owning_module
    assert program is not None
    return program.get_submodule(str(node.target))
