"""The hyper-initializer: a network that takes the graph of another network and gives it its first numbers.

    numbers = decoder(graph network(embedding(graph)))

Source: Shang et al., One hyper-initializer for all network architectures in medical image analysis, 2022.
What that paper leaves open follows Knyazev et al., NeurIPS 2021, whose network it takes over.
"""

import math
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import torch
from torch import Tensor, nn

from teachkit.errors import FormatError, SettingsError, TeachkitWarning, UnsupportedLayerError
from teachkit.hyperinit import files
from teachkit.hyperinit.architecture import FURTHEST, ArchitectureGraph, architecture_graph
from teachkit.hyperinit.decoder import Decoder
from teachkit.hyperinit.embedding import NodeEmbedding
from teachkit.hyperinit.gated import GatedGNN, Hops
from teachkit.hyperinit.report import DECODER, HEAD, Report
from teachkit.hyperinit.statistics import Images, recompute_statistics, reset_statistics
from teachkit.hyperinit.transformer import GraphTransformer
from teachkit.hyperinit.views import Views
from teachkit.vision import UNet

if TYPE_CHECKING:
    from teachkit.hyperinit.history import History

GNNS = ("gated", "transformer")


class HyperInitializer(Views, nn.Module):
    """Gives any network its first weights, in one pass.

    Args:
        dim: length of the vector of a node, a multiple of four.
        max_channels: channels that are calculated; more are copies of these.
        max_kernel: edge in pixels of the largest kernel that is calculated.
        layers: rounds of the gated network, or blocks of the transformer.
        gnn: "gated", as published, or "transformer".
        hops: whether direct neighbours count once ("equation") or twice ("code") in the gated network.
        s_max: longest path, in edges, over which nodes send each other messages.
        activations: activation functions are nodes too.
        seed: of its own first numbers.

    Attributes:
        settings: the values above, by name.
        trained_steps: steps of pre-training behind it.
        about: data, licence and settings of that training; empty unless someone wrote it down.

    Raises:
        SettingsError: for a value that makes no sense.
    """

    def __init__(
        self,
        *,
        dim: int = 32,
        max_channels: int = 64,
        max_kernel: int = 7,
        layers: int = 1,
        gnn: Literal["gated", "transformer"] = "gated",
        hops: Hops = "equation",
        s_max: int = FURTHEST,
        activations: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {
            "dim": dim,
            "max_channels": max_channels,
            "max_kernel": max_kernel,
            "layers": layers,
            "gnn": gnn,
            "hops": hops,
            "s_max": s_max,
            "activations": activations,
            "seed": seed,
        }
        _check(self.settings)
        self.s_max, self.activations, self.seed = s_max, activations, seed
        self.trained_steps = 0
        self.about: dict[str, Any] = {}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embedding = NodeEmbedding(dim, activations)
            self.gnn = GatedGNN(dim, layers, hops) if gnn == "gated" else GraphTransformer(dim, layers, s_max)
            self.norm = nn.LayerNorm(dim)
            self.decoder = Decoder(dim, max_channels, max_kernel)

    def graph(self, module: nn.Module) -> ArchitectureGraph:
        """The graph of `module` as this hyper-initializer reads it; see `architecture_graph`."""
        return architecture_graph(module, s_max=self.s_max, activations=self.activations)

    def grow_head(self, outputs: int) -> None:
        """Make the layers that predict last layers with `outputs` outputs; pre-training alone needs them.

        A second call with the same number changes nothing.
        """
        if outputs < 1:
            raise SettingsError(f"{outputs} outputs are not possible.", "Give at least one.", outputs=outputs)
        if outputs != self.decoder.heads:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.seed + 1)
                self.decoder.grow_head(outputs)

    def states(self, graphs: Sequence[ArchitectureGraph]) -> Tensor:
        """What the nodes know of each other, [N, dim]: those of one graph after those of the one before."""
        states: Tensor = self.norm(self.gnn(self.embedding(graphs), graphs))
        return states

    def forward(
        self, graphs: Sequence[ArchitectureGraph], heads: int | None = None
    ) -> list[dict[str, Tensor]]:
        """See `predict`."""
        if heads is not None and heads != self.decoder.heads:
            raise SettingsError(
                f"Last layers of {heads} outputs are not known here, only of {self.decoder.heads or 'none'}.",
                f"Call grow_head({heads}) first, and before an optimiser is made.",
                heads=heads,
            )
        if not graphs:
            return []
        # Numbers for other networks are sensitive: no half precision here, whatever these compute in.
        with torch.autocast(self.norm.weight.device.type, enabled=False):
            states = self.states(graphs)
            plan, owner, start = [], [], 0
            for number, graph in enumerate(graphs):
                for node, covered in enumerate(graph.parameters):
                    plan += [(start + node, parameter) for parameter in covered]
                    owner += [number] * len(covered)
                start += graph.num_nodes
            tensors = self.decoder(states, plan, heads is not None)
        found: list[dict[str, Tensor]] = [{} for _ in graphs]
        for number, (_, parameter), tensor in zip(owner, plan, tensors, strict=True):
            if tensor is not None:
                found[number][parameter.name] = tensor
        return found

    def predict(
        self, graphs: Sequence[ArchitectureGraph], heads: int | None = None
    ) -> list[dict[str, Tensor]]:
        """The tensors of each graph by name, float32, with a gradient to this network's own numbers.

        Args:
            graphs: from `graph`.
            heads: outputs of the last layers, see `grow_head`; None leaves last layers out.
        """
        found: list[dict[str, Tensor]] = self(graphs, heads)
        return found

    def initialize(self, module: nn.Module, images: Images | None = None, *, noise: float = 0.0) -> Report:
        """Give `module` its first numbers, in place.

        The last layer stays as it is, to the bit: it belongs to the task. Of a `vision.UNet` the encoder gets
        numbers, the decoder stays. Running statistics of BatchNorm start anew.

        Args:
            images: pictures without labels, from which these statistics are computed; without, they are mean
                0 and variance 1, and the network must not be evaluated before it was trained.
            noise: random numbers of this share of the spread of a tensor are added to weights that hold
                copies of channels, so that the copies differ (Knyazev et al. 2023). They come from torch's
                own generator.

        Returns:
            What got numbers, and what was left alone and why. A warning counts what should have got some.
        """
        began = time.perf_counter()
        if not 0 <= noise < math.inf:
            raise SettingsError(f"noise={noise} is not possible.", "Give 0 or more.", noise=noise)
        if any(parameter.is_meta for parameter in module.parameters()):
            raise FormatError(
                f"{type(module).__name__} is on the device 'meta', where there are no numbers.",
                "Build it on a real device; predict() gives numbers for shapes alone.",
            )
        read = _Headed(module.encoder) if isinstance(module, UNet) else module
        try:
            graph = self.graph(read)
        except UnsupportedLayerError as error:
            reasons = {name: error.what for name, _ in read.named_parameters()}
            return self._report(module, {}, reasons, began)
        with torch.no_grad():
            numbers = self.predict([graph])[0]
            if broken := [name for name, value in numbers.items() if not bool(value.isfinite().all())]:
                raise FormatError(
                    f"{len(broken)} tensors would get numbers that are not finite, '{broken[0]}' first.",
                    "Load another checkpoint, or train again with a lower lr.",
                )
            copied = {p.name for here in graph.parameters for p in here if self.decoder.copies(p)}
            for name, parameter in module.named_parameters():
                if name in numbers:
                    parameter.copy_(numbers[name])
                    if noise and name in copied:
                        parameter.add_(torch.randn_like(parameter), alpha=noise * float(parameter.std()))
        reset_statistics(module.encoder if isinstance(module, UNet) else module)
        if images is not None:
            recompute_statistics(module, images)
        return self._report(module, numbers, dict(graph.left_alone), began)

    def _report(
        self, module: nn.Module, numbers: dict[str, Tensor], reasons: dict[str, str], began: float
    ) -> Report:
        """The report on `module`; warns when more than a last layer or a decoder was left alone."""
        other = DECODER if isinstance(module, UNet) else HEAD
        names = [name for name, _ in module.named_parameters()]
        report = Report(
            network=type(module).__name__,
            initialized=tuple(name for name in names if name in numbers),
            left_alone=tuple((name, reasons.get(name, other)) for name in names if name not in numbers),
            seconds=time.perf_counter() - began,
        )
        if report.unexpected:
            warnings.warn(report.sentence, TeachkitWarning, stacklevel=3)
        return report

    def pretrain(self, images: Any, **settings: Any) -> "History":
        """Train this network in place on pictures without labels; see `pretraining.pretrain`."""
        from teachkit.hyperinit.pretraining import pretrain

        return pretrain(self, images, **settings)

    def save(self, path: str | Path, half: bool = False) -> Path:
        """Write settings and numbers to `path`, whole or not at all; with `half` in half precision."""
        return files.save(self, Path(path), half)

    @classmethod
    def load(cls, path: str | Path | None = None) -> Self:
        """A hyper-initializer from a file; without a path, the trained one that comes with the package.

        Raises:
            FormatError: when the file is missing, damaged or something else.
            SettingsError: without a path where the package has none.
        """
        return files.load(cls, None if path is None else Path(path))


class _Headed(nn.Module):
    """The encoder of a U-Net as a classifier: mean of the last map, and a last layer that nobody uses."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        self.unused = nn.Linear(encoder.channels[-1], 1, device="meta")  # draws no random numbers

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.unused(self.encoder(x)[-1].mean((2, 3)))
        return answer


def _check(settings: dict[str, Any]) -> None:
    """Refuse settings that make no sense."""
    for name, least in (("dim", 4), ("max_channels", 1), ("max_kernel", 1), ("layers", 1), ("s_max", 1)):
        if settings[name] < least:
            raise SettingsError(
                f"{name}={settings[name]} is not possible.", f"Give at least {least}.", field=name
            )
    if settings["dim"] % 4:
        raise SettingsError(
            f"dim={settings['dim']} is no multiple of four.", "Use 32, for example.", field="dim"
        )
    for name, allowed in (("gnn", GNNS), ("hops", ("equation", "code"))):
        if settings[name] not in allowed:
            raise SettingsError(
                f"{name}={settings[name]!r} is not possible.", f"Use one of {allowed}.", field=name
            )
