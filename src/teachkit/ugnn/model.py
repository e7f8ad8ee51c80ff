"""A union of model-graphs whose numbers are changed by learned scales and shifts.

Source: "Unified graph neural network" (uGNN), arXiv 2508.10583, and its public code; the equations are those
of both. docs/corrections.md lists where paper and code differ.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit.errors import SettingsError, nearest
from teachkit.graphs import ModelGraph, Union
from teachkit.graphs.engine import Engine
from teachkit.ugnn.compounding import follow
from teachkit.ugnn.generator import Generator, Pair
from teachkit.ugnn.groups import Groups, choose, learned
from teachkit.ugnn.numbers import Numbers

if TYPE_CHECKING:
    from teachkit.plots import Picture, SoftsignExplorer
    from teachkit.ugnn.exploring import SharingExplorer

RULES = ("fixed", "compounding")
SCALES = ("shared", "per_model")
GENERATORS = ("shared", "per_model")


class UGNN(nn.Module):
    """All models of a union, run with e' = f_{s_e}(theta e + delta) and b' = f_{s_b}(phi b + eps).

    The numbers e and b of the models themselves are not trained; theta, delta, phi, eps, s_e and s_b are. At
    the start theta = phi = 1, delta = eps = 0 and s = 1. That is not the identity: f_1(w) = w / (1 + |w|).

    Args:
        union: of at least one model-graph.
        groups: who shares theta and delta (and phi and eps): "edge": nobody; "kernel": edges of one model
            with the same number, as in a convolution; "role": also numbers of other models with the same role
            (see `roles`); "stem": the same for first layers alone; a number of random groups over all models;
            or `Groups`.
        rule: "fixed" (the paper): e stays what it was; "compounding" (the public code): after every step of
            the optimiser e becomes e', so changes pile up, and in evaluation e is used as it is.
        scales: "shared": all models have the same s_e and s_b; "per_model": each has its own.
        generator: a small network that adds something to theta, delta, phi and eps of every edge and bias,
            according to their place. "shared": one for all models, so that every loss moves the numbers of
            all; "per_model": each has its own, which shares nothing. None: there is none.
        own: whether theta, delta, phi and eps are trained; False leaves all to the generator and the scales.
        start_scale: s_e and s_b before training.
        seed: of the random groups and of the generator.

    Attributes:
        theta, delta: [groups of edges].   phi, eps: [groups of biases].
        log_s_e, log_s_b: logarithms of the scales, so that no step can make a scale negative.
    """

    def __init__(
        self,
        union: Union,
        groups: str | int | Groups = "edge",
        rule: Literal["fixed", "compounding"] = "fixed",
        scales: Literal["shared", "per_model"] = "shared",
        *,
        generator: Literal["shared", "per_model"] | None = None,
        own: bool = True,
        start_scale: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        _known(rule, RULES, "rule")
        _known(scales, SCALES, "scales")
        if generator is not None:
            _known(generator, GENERATORS, "generator")
        if not isinstance(union, Union):
            raise SettingsError(
                f"A UGNN is made of a union, not of {type(union).__name__}.",
                "Unite model-graphs first: graphs.unite([...]).",
            )
        if start_scale <= 0:
            raise SettingsError(f"A scale of {start_scale} is not positive.", "Use 1, as in the paper.")
        self.union, self.rule, self.scales = union, rule, scales
        self.groups = choose(groups, union, seed)
        self.engines = nn.ModuleList(Engine(model) for model in union.models)
        self.generator = None if generator is None else Generator(union, generator, seed)
        self._numbers()
        dtype = self.edges.values.dtype
        edges, biases = _count(self.groups.edges), _count(self.groups.biases)
        self.theta, self.delta = _ones(edges, dtype, own), _zeros(edges, dtype, own)
        self.phi, self.eps = _ones(biases, dtype, own), _zeros(biases, dtype, own)
        start = torch.full((len(union),) if scales == "per_model" else (), start_scale, dtype=dtype).log()
        self.log_s_e, self.log_s_b = nn.Parameter(start), nn.Parameter(start.clone())
        if rule == "compounding":
            follow(self)

    edge_owner: Tensor
    bias_owner: Tensor

    def _numbers(self) -> None:
        """The numbers of all learned edges and biases, in the order of the union."""
        values = torch.cat([model.values.detach() for model in self.union.models])
        edges, biases = learned(self.union)
        of_edge, of_bias = (
            torch.cat([torch.full((sum(counts),), k) for k, counts in enumerate(per_model)])
            for per_model in zip(*((e.edge_counts, e.bias_counts) for e in self._each()), strict=True)
        )
        groups = self.groups.edges, self.groups.biases
        if self.generator is not None:  # edges of one group can differ
            groups = torch.arange(len(edges)), torch.arange(len(biases))
        self.edges = Numbers(values[edges], edges, groups[0], of_edge)
        self.biases = Numbers(values[biases], biases, groups[1], of_bias)
        self.register_buffer("edge_owner", of_edge, persistent=False)
        self.register_buffer("bias_owner", of_bias, persistent=False)

    @property
    def s_e(self) -> Tensor:
        """The scale of the softsign of edges, [] or one a model [M]; |e'| < s_e."""
        return self.log_s_e.exp()

    @property
    def s_b(self) -> Tensor:
        """The scale of the softsign of biases, [] or one a model [M]; |b'| < s_b."""
        return self.log_s_b.exp()

    def numbers(self) -> tuple[Tensor, Tensor]:
        """What messages use now: e' of each learned edge and b' of each bias, in the order of the union."""
        if self.rule == "compounding" and not self.training:  # as in the public code
            return self.edges.spread_out(self.edges.values), self.biases.spread_out(self.biases.values)
        of_edges, of_biases = self.changes()
        return self.edges(*of_edges, self.s_e), self.biases(*of_biases, self.s_b)

    def changes(self) -> tuple[Pair, Pair]:
        """Scale and shift of edges, and of biases: one a group, or one each where there is a generator."""
        if self.generator is None:
            return (self.theta, self.delta), (self.phi, self.eps)
        of_edges, of_biases = self.generator()
        e, b = self.groups.edges, self.groups.biases
        return (
            (_spread(self.theta, e) + of_edges[0], _spread(self.delta, e) + of_edges[1]),
            (_spread(self.phi, b) + of_biases[0], _spread(self.eps, b) + of_biases[1]),
        )

    def forward(self, x: Tensor | Sequence[Tensor]) -> list[Tensor]:
        """Outputs of each model, for one batch that all get or a list with one batch a model."""
        edges, biases = self.numbers()
        weights = edges.split([count for engine in self._each() for count in engine.edge_counts])
        shifts = biases.split([count for engine in self._each() for count in engine.bias_counts])
        outputs, columns, first = [], {}, 0
        for engine, batch in zip(self._each(), self.union.batches(x), strict=True):
            key = id(batch), engine.input_shape  # models that get the same batch read the same columns
            if key not in columns:
                columns[key] = engine.columns(batch.to(edges.dtype))
            layers = slice(first, first + len(engine.edge_counts))
            outputs.append(engine(columns[key], weights[layers], shifts[layers]))
            first = layers.stop
        return outputs

    def _each(self) -> list[Engine]:
        return [engine for engine in self.engines if isinstance(engine, Engine)]

    def loss(
        self,
        outputs: Sequence[Tensor],
        labels: Tensor | Sequence[Tensor],
        weights: Sequence[float] | None = None,
    ) -> Tensor:
        """The sum over models of weight times cross-entropy.

        Args:
            outputs: logits [B, classes] of each model.
            labels: classes [B] for all models, or a list with those of each.
            weights: one a model; the mean over models without.
        """
        factors = [1 / len(self.union)] * len(self.union) if weights is None else list(weights)
        if len(factors) != len(self.union):
            raise SettingsError(
                f"There are {len(self.union)} models and {len(factors)} weights.", "Give one weight a model."
            )
        losses = [
            factor * F.cross_entropy(out, target)
            for factor, out, target in zip(factors, outputs, self.union.batches(labels), strict=True)
        ]
        return torch.stack(losses).sum()

    @torch.no_grad()
    def compound(self) -> None:
        """Replace every number by what it has become; rule "compounding" does so after each step."""
        of_edges, of_biases = self.changes()
        edges = self.edges.squashed(*of_edges, self.s_e)
        biases = self.biases.squashed(*of_biases, self.s_b)
        self.edges.values.copy_(edges)
        self.biases.values.copy_(biases)

    def gradient(self, loss: Tensor) -> Tensor:
        """How a step of size 1 up a loss moves the theta that each edge of the union uses [E].

        It is 0 for fixed edges. Without a generator it is the gradient of the loss on theta.
        """
        own = [self.theta] if self.theta.requires_grad else []
        made = [] if self.generator is None else list(self.generator.parameters())
        if not own + made:
            raise SettingsError("No scale of this model is trained.", "Give it a generator, or own=True.")
        grads = torch.autograd.grad(loss, own + made, retain_graph=True)
        moved = self.theta.new_zeros(len(self.groups.edges))
        if own:
            moved += _spread(grads[0], self.groups.edges)
        if self.generator is not None:
            moved += self.generator.moved(grads[len(own) :])
        weight = self.union.edges.weight
        found = moved.new_zeros(len(weight))
        found[(weight >= 0).to(found.device)] = moved
        return found

    def influence(self, losses: Sequence[Tensor]) -> Tensor:
        """Which losses reach which models, [losses, models]: the length of `gradient` on a model's edges.

        Off the diagonal it is 0 unless models share groups or a generator.
        """
        owner = self.union.model_of_edge.to(self.theta.device)
        rows = [self.gradient(loss) for loss in losses]
        return torch.stack(
            [torch.stack([row[owner == k].norm() for k in range(len(self.union))]) for row in rows]
        )

    @property
    def names(self) -> list[str]:
        """Of the models, as their graphs are called; with a number where two are alike."""
        names = [graph.name or "model" for graph in self.union.models]
        return [f"{n} ({k})" if names.count(n) > 1 else n for k, n in enumerate(names, 1)]

    def draw_gradient(self, losses: Sequence[Tensor], title: str = "") -> "Picture":
        """`gradient` of each loss, one a model, over the edges of the whole union."""
        from teachkit.ugnn.exploring import draw_gradient

        return draw_gradient(self, losses, title)

    def explore(self, title: str = "") -> "SoftsignExplorer":
        """Sliders for theta, delta and s over the weights of these models; `.at(theta, delta, s)`."""
        from teachkit.ugnn.exploring import explore_weights

        return explore_weights(self, title)

    def explore_sharing(
        self,
        inputs: Sequence[Tensor],
        labels: Sequence[Tensor],
        stops: Sequence[str | int] | None = None,
        title: str = "",
    ) -> "SharingExplorer":
        """A knob for the number of groups of this union: whose loss pulls at whose numbers, before training.

        Args:
            inputs, labels: one batch for each model.
            stops: "edge" and numbers of random groups; by default a tenth each time, down to ten.
            title: of the figure; name the data set.
        """
        from teachkit.ugnn.exploring import SharingExplorer, stops_for

        return SharingExplorer(self, inputs, labels, stops_for(len(self.groups.edges), stops), title)

    def draw_compounding(self, starts: Sequence[float] = (1.0, 1 / 3, 0.03), steps: int = 100) -> "Picture":
        """What the rule "compounding" does to weights that nothing else changes."""
        from teachkit.ugnn.exploring import draw_compounding

        return draw_compounding(starts, steps)

    @torch.no_grad()
    def graph(self, model: int) -> ModelGraph:
        """One model as it is now, as a model-graph in which every edge has a number of its own."""
        from dataclasses import replace

        edges, biases = self.numbers()
        values = torch.cat((edges[self.edge_owner == model], biases[self.bias_owner == model]))
        return replace(self.union.models[model].untie(), values=values.cpu())

    def extra_repr(self) -> str:
        return (
            f"{self.union}, {len(self.theta):,} groups of edges, {len(self.phi):,} of biases, "
            f"rule={self.rule!r}, scales={self.scales!r}"
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy follows its own optimiser."""
        super().__setstate__(state)
        if self.rule == "compounding":
            follow(self)


def _known(name: str, names: tuple[str, ...], kind: str) -> None:
    if name not in names:
        raise SettingsError(f"There is no {kind} '{name}'.", nearest(str(name), names, kind), value=name)


def _count(groups: Tensor) -> int:
    return int(groups.max()) + 1 if len(groups) else 0


def _ones(size: int, dtype: torch.dtype, trained: bool) -> nn.Parameter:
    return nn.Parameter(torch.ones(size, dtype=dtype), requires_grad=trained)


def _zeros(size: int, dtype: torch.dtype, trained: bool) -> nn.Parameter:
    return nn.Parameter(torch.zeros(size, dtype=dtype), requires_grad=trained)


def _spread(numbers: Tensor, group: Tensor) -> Tensor:
    """From one a group to one an edge."""
    return numbers.index_select(0, group.to(numbers.device))
