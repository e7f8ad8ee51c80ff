"""From a network to its model-graph: follow the ids of neurons through the operations, each by its rule."""

from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_aggregate

from teachkit.errors import FormatError, GraphError, UnsupportedLayerError
from teachkit.graphs.assembling import assemble
from teachkit.graphs.building import Builder, Ids, Neurons
from teachkit.graphs.record import ModelGraph
from teachkit.graphs.rules import registry
from teachkit.graphs.rules.moving import MEASURES
from teachkit.graphs.tracing import evaluating, part_of, program_of, run

TOLERANCE = 1e-4  # between the graph and the network, relative to the largest output


def model_graph(module: nn.Module, example: Tensor, *, limit: int = 5_000_000) -> ModelGraph:
    """Every neuron of `module` as a node, every product with a weight as an edge.

    The network is taken in evaluation mode, and left as it was: dropout does nothing, BatchNorm is two edges.
    The graph is run once on random numbers and compared with the network.

    Args:
        example: one input [1, ...] or a batch of floating-point numbers; only the shape of one matters.
        limit: largest number of edges (and of nodes); the size is known before memory is used.

    Raises:
        UnsupportedLayerError: for an operation without a rule: which one, why, and what to do.
        GraphTooLargeError: with the number of edges that the graph would have.

    Source: Kipf-style message passing on the computation graph of a network, as in uGNN (arXiv:2508.10583).
    """
    one = _random_like(example)
    program = program_of(module)
    expected, shapes = run(program, module, one)
    with evaluating(module):
        build = Builder(module, limit)
        outputs = _Conversion(program, build, shapes).follow(tuple(one.shape[1:]))
        if build.edges > limit:
            build.refuse(f"{build.edges:,} edges and {build.nodes:,} nodes")
        graph = assemble(build, outputs, tuple(one.shape[1:]), type(module).__name__)
    _compare(graph, one, expected)
    return graph


class _Conversion:
    """Walks through a traced program and calls the rule of each operation."""

    def __init__(
        self, program: fx.GraphModule, build: Builder, shapes: dict[str, tuple[int, ...] | None]
    ) -> None:
        self.program, self.build, self.shapes = program, build, shapes
        self.results: dict[fx.Node, Any] = {}

    def follow(self, input_shape: tuple[int, ...]) -> Neurons:
        """The neurons of the output."""
        inputs = self.build.source("input", input_shape)
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self.results[node] = self._placeholder(node, inputs)
                inputs = None  # type: ignore[assignment]
            elif node.op == "get_attr":
                self.results[node] = self._attribute(str(node.target))
            elif node.op == "output":
                return self._output(map_aggregate(node.args[0], self._result))
            else:
                self.results[node] = self._call(node)
        raise GraphError("The network returns nothing.", "Let forward return a tensor.")

    def _placeholder(self, node: fx.Node, inputs: Neurons | None) -> Any:
        if inputs is not None:
            return inputs
        if node.args:
            return node.args[0]
        raise UnsupportedLayerError(
            f"The network takes a second input, '{node.target}'.",
            "A model-graph has one input: join the inputs into one tensor and split it inside the network.",
        )

    def _attribute(self, path: str) -> Any:
        *parents, name = path.split(".")
        value = getattr(self.program.get_submodule(".".join(parents)), name)
        if isinstance(value, nn.Parameter):
            return self.build.weights(value)
        return value.detach().cpu() if isinstance(value, Tensor) else value

    def _output(self, value: Any) -> Neurons:
        if isinstance(value, (tuple, list)) and len(value) == 1:
            value = value[0]
        if not isinstance(value, Neurons):
            raise UnsupportedLayerError(
                f"The network returns {type(value).__name__}, not one tensor of activations.",
                "Wrap it in a module that returns one tensor.",
            )
        return self.build.solid(value)

    def _result(self, value: Any) -> Any:
        return self.results[value] if isinstance(value, fx.Node) else value

    def _call(self, node: fx.Node) -> Any:
        args: Any = map_aggregate(node.args, self._result)
        kwargs: Any = map_aggregate(node.kwargs, self._result)
        part = part_of(node) if node.op == "call_module" else None
        key: Any = type(part) if part is not None else node.target
        rule = (registry.OPERATIONS if part is None else registry.MODULES).get(key)
        if not _has_ids((args, kwargs)):
            return self._plain(node, args, kwargs)
        if rule is None or (part is not None and _hooked(part)):
            raise self._unsupported(node, part, key)
        kind = key.__name__ if isinstance(key, type) else getattr(key, "__name__", str(key))
        self.build.here = (str(node.target) if part is not None else node.name, kind)
        self.build.private = all(self._only_reader(before) for before in node.all_input_nodes)
        self._check_in_place(node, part, key)
        if rule not in registry.TAKES_ZEROS:
            args, kwargs = map_aggregate(args, self._solid), map_aggregate(kwargs, self._solid)
        first = (self.build,) if part is None else (self.build, part)
        try:
            result = rule(*first, *args, **kwargs)
        except UnsupportedLayerError as error:
            raise UnsupportedLayerError(
                f"{self._where(node, part)}: {error.what}", error.remedy, path=str(node.target)
            ) from error
        except (TypeError, NotImplementedError) as error:
            raise self._unsupported(
                node, part, key, f"its rule does not take these arguments ({error})"
            ) from error
        self._check_shape(node, result)
        return result

    def _solid(self, value: Any) -> Any:
        return self.build.solid(value) if isinstance(value, Neurons) else value

    def _plain(self, node: fx.Node, args: Any, kwargs: Any) -> Any:
        """An operation on plain numbers, such as sizes or fixed tensors."""
        if node.op == "call_function":
            return node.target(*args, **kwargs)  # type: ignore[operator]
        if node.op == "call_method":
            return getattr(args[0], str(node.target))(*args[1:], **kwargs)
        return part_of(node)(*args, **kwargs)

    def _readers(self, node: fx.Node) -> list[fx.Node]:
        return [user for user in node.users if user.target not in MEASURES or user.op == "call_module"]

    def _moves(self, node: fx.Node) -> bool:
        if node.op not in ("call_module", "call_function", "call_method"):
            return False
        return (type(part_of(node)) if node.op == "call_module" else node.target) in registry.MOVES

    def _only_reader(self, node: fx.Node) -> bool:
        """Only one operation reads this result, and the neurons behind it have no other readers."""
        if len(self._readers(node)) > 1 or node.op == "placeholder":
            return False
        return not self._moves(node) or all(self._only_reader(before) for before in node.all_input_nodes)

    def _check_in_place(self, node: fx.Node, part: nn.Module | None, key: Any) -> None:
        """An operation that changes its input in place must be the last one that reads it."""
        if self._moves(node):  # such as dropout, which changes nothing in evaluation mode
            return
        name = getattr(key, "__name__", str(key))
        in_place = getattr(part, "inplace", False) or node.kwargs.get("inplace")
        in_place = in_place or (part is None and (name.endswith("_") and not name.endswith("__")))
        in_place = in_place or (part is None and name in ("iadd", "isub", "imul", "itruediv"))
        if (
            in_place
            and node.args
            and isinstance(node.args[0], fx.Node)
            and self._read_later(node.args[0], node)
        ):
            raise UnsupportedLayerError(
                f"{self._where(node, part)} changes its input in place, and that input is used again later.",
                "Write inplace=False, or an operation that makes a new tensor.",
                path=str(node.target),
            )

    def _read_later(self, node: fx.Node, now: fx.Node) -> bool:
        """An operation after `now` reads this result, or another view of the same numbers."""
        views, open_ends = {node}, [node]
        while open_ends:
            view = open_ends.pop()
            near = [user for user in view.users if self._moves(user)]
            near += view.all_input_nodes if self._moves(view) else []
            open_ends += [other for other in near if other not in views]
            views.update(near)
        return any(user > now for view in views for user in self._readers(view))

    def _check_shape(self, node: fx.Node, result: Any) -> None:
        expected = self.shapes.get(node.name)
        if isinstance(result, Neurons) and expected is not None and tuple(result.shape) != expected:
            raise GraphError(
                f"'{node.target}' gives {expected}, but its rule made neurons {tuple(result.shape)}.",
                "The rule of this layer is wrong; do not use the graph.",
            )

    def _where(self, node: fx.Node, part: nn.Module | None) -> str:
        if part is not None:
            return f"{node.target} ({type(part).__name__})"
        name = getattr(node.target, "__name__", str(node.target))
        stack = node.meta.get("nn_module_stack") or {}
        inside = next((path for path, _ in reversed(list(stack.values())) if path), "")
        return f"{name}() in {inside or 'forward'}"

    def _unsupported(
        self, node: fx.Node, part: nn.Module | None, key: Any, why: str = ""
    ) -> UnsupportedLayerError:
        reason, instead = registry.REASONS.get(key, ("no rule turns it into neurons and edges", ""))
        if part is not None and _hooked(part):
            reason, instead = "it has hooks, which may change its numbers", "Remove the hooks first."
        return UnsupportedLayerError(
            f"{self._where(node, part)}: {why or reason}.",
            instead or "Replace it, or write a rule for it: see teachkit.graphs.rules.",
            path=str(node.target),
            layer=type(part).__name__ if part is not None else str(key),
        )


def _has_ids(value: Any) -> bool:
    found = False

    def look(item: Any) -> Any:
        nonlocal found
        found = found or isinstance(item, Ids)
        return item

    map_aggregate(value, look)
    return found


def _hooked(part: nn.Module) -> bool:
    return bool(part._forward_hooks or part._forward_pre_hooks)


def _random_like(example: Tensor) -> Tensor:
    """One input of the example's shape; zeros would hide mistakes, so the numbers are random."""
    if example.dim() < 2 or not example.is_floating_point():
        raise FormatError(
            f"The example has shape {tuple(example.shape)} and type {example.dtype}; "
            "wanted are floating-point numbers with a batch dimension.",
            "Give one image as [1, channels, height, width], for instance torch.zeros(1, 1, 28, 28).",
        )
    numbers = torch.randn(1, *example.shape[1:], generator=torch.Generator().manual_seed(0))
    return numbers.to(example)


def _compare(graph: ModelGraph, example: Tensor, expected: Any) -> None:
    """The graph must compute what the network computes; a wrong graph is never given away."""
    expected = expected[0] if isinstance(expected, (tuple, list)) else expected
    expected = expected.detach().cpu()
    with torch.no_grad():
        result = graph.forward(example.detach().cpu())
    error = (result - expected).abs().max().item() if expected.numel() else 0.0
    if not error <= TOLERANCE * (1 + expected.abs().max().item()):
        raise GraphError(
            f"The graph and the network differ by {error:.2g} on random numbers.",
            "A rule is wrong for one of the layers; do not use the graph.",
            error=error,
        )
