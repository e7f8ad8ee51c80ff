"""Design a network and never train it: which way is up, with predicted numbers and with random ones?"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from teachkit import plots
from teachkit.errors import SettingsError, UnknownNameError, nearest
from teachkit.hyperinit import drawing
from teachkit.hyperinit.architecture import ArchitectureGraph
from teachkit.hyperinit.architectures import (
    Architecture,
    Basic,
    Bottleneck,
    Dense,
    MobileV1,
    MobileV2,
    SqueezeExcite,
    Vgg,
)
from teachkit.hyperinit.layer_spread import kaiming
from teachkit.hyperinit.meta_nets import MetaNet, Numbers, meta_net
from teachkit.hyperinit.pictures import Pictures, on_device
from teachkit.hyperinit.pretext import Rotation

if TYPE_CHECKING:
    from teachkit.hyperinit.initializer import HyperInitializer

SHOWN = 64  # pictures, each in four turns
DRAWS = 5  # of random numbers
STAGES, WIDTHS, DEPTHS, KERNELS = (1, 2, 3, 4), (8, 12, 16, 24, 32), (1, 2, 3), (3, 5, 7)
EXAMPLES = ((2, 8, 1, 5), (2, 12, 1, 3), (3, 16, 1, 3))  # stages, width, depth, kernel of the still picture


@dataclass(frozen=True, eq=False)
class Designed:
    """A network that was designed and never trained.

    Attributes:
        architecture: how to build it.
        graph: its operations and weights.
        accuracy: share of turns found: "predicted", and "Kaiming", the mean over random draws.
        draws: the same for each random draw.
        answers: some of the turned pictures, and what it says.
        weights: how many numbers it has.
        name: its settings on one line.
    """

    architecture: Architecture
    graph: ArchitectureGraph
    accuracy: dict[str, float]
    draws: tuple[float, ...]
    answers: plots.Answers
    weights: int
    name: str

    @property
    def sentence(self) -> str:
        """In words."""
        return (
            f"{self.weights:,} numbers, none of them trained: predicted, they find "
            f"{self.accuracy['predicted']:.0%} of the turns; Kaiming, {self.accuracy['Kaiming']:.0%} "
            f"({len(self.draws)} draws, {min(self.draws):.0%} to {max(self.draws):.0%})."
        )

    @property
    def row(self) -> plots.Design:
        """As it is drawn."""
        edges = self.graph.edges.astype(np.int64)
        return plots.Design(
            self.name, drawing.nodes(self.graph), edges, self.accuracy["predicted"], self.draws
        )


class Designer(plots.Explorer):
    """Five lists to choose from where a reader can, and always three networks as a picture.

    Attributes:
        families: to choose from.
        title: of the pictures that are turned.
    """

    def __init__(
        self, initializer: "HyperInitializer", pictures: Pictures, families: Sequence[str] | None
    ) -> None:
        heads = initializer.decoder.heads
        if heads != Rotation.outputs:
            raise SettingsError(
                f"This hyper-initializer predicts last layers of {heads or 'no'} outputs; four turns need 4.",
                "Use one that was pre-trained on turned pictures, pretext='rotation'.",
                heads=heads,
            )
        self._initializer = initializer
        self.families = tuple(BUILD) if families is None else tuple(families)
        for family in self.families:
            _known(family, BUILD)
        self.title = str(getattr(pictures, "title", f"{len(pictures)} pictures"))
        device = next(initializer.parameters()).device
        shown = on_device(pictures, device)[:SHOWN]
        self._channels = int(shown.shape[1])
        # Whole pictures, upright or turned: nothing is cut off, so the reader knows what was asked.
        self._inputs, self._targets = Rotation(zoom=(1, 1))(shown, torch.Generator(device))
        self._found: dict[Architecture, Designed] = {}
        self._last: Designed | None = None

    def at(
        self, family: str = "basic", stages: int = 3, width: int = 16, depth: int = 1, kernel: int = 3
    ) -> Designed:
        """The network with these settings, with predicted numbers and with random ones.

        Args:
            family: kind of block.
            stages: the map is halved between them, and the channels doubled, up to 64.
            width: channels of the first stage.
            depth: blocks of each stage.
            kernel: edge of the kernels, odd.

        Raises:
            UnknownNameError: for another family.
            SettingsError: for settings that make no network.
        """
        self._last = self._made(family, stages, width, depth, kernel)
        self.__dict__.pop("picture", None)  # the next one shows this network too
        return self._last

    def _made(self, family: str, stages: int, width: int, depth: int, kernel: int) -> Designed:
        _known(family, self.families)
        if stages < 1 or depth < 1 or width < 4:
            raise SettingsError(
                f"{stages} stages of {depth} blocks and {width} channels make no network.",
                "Give at least one stage, one block and four channels.",
            )
        widths = tuple(min(width * 2**stage, 64) for stage in range(stages))
        architecture = BUILD[family](widths, (depth,) * stages, kernel)
        if architecture not in self._found:
            name = f"{family}: {_many(stages, 'stage')}, width {width}, depth {depth}, kernel {kernel}"
            self._found[architecture] = self._ask(architecture, name)
        return self._found[architecture]

    @torch.no_grad()
    def _ask(self, architecture: Architecture, name: str) -> Designed:
        net = meta_net(architecture, self._channels, Rotation.outputs, read=self._initializer.graph)
        predicted = self._initializer.predict([net.graph], heads=Rotation.outputs)[0]
        generators = (torch.Generator().manual_seed(seed) for seed in range(DRAWS))
        said = [self._says(net, numbers) for numbers in (predicted, *(kaiming(net, g) for g in generators))]
        found, *draws = (float((says == self._targets).float().mean()) for says in said)
        weights = sum(tensor.numel() for tensor in predicted.values())
        return Designed(
            architecture,
            net.graph,
            {"predicted": found, "Kaiming": float(np.mean(draws))},
            tuple(draws),
            self._some(said[0], said[1]),
            weights,
            f"{name}; {weights:,} numbers",
        )

    def _says(self, net: MetaNet, numbers: Numbers) -> Tensor:
        """The turns that a network with these numbers says, of all inputs."""
        return net({name: value.to(self._inputs) for name, value in numbers.items()}, self._inputs).argmax(1)

    def _some(self, *said: Tensor) -> plots.Answers:
        """The first pictures in all four turns, and what is said of them; none is chosen."""
        each = len(self._inputs) // Rotation.outputs
        rows = [turn * each + picture for picture in range(min(2, each)) for turn in range(Rotation.outputs)]
        images = self._inputs[rows].permute(0, 2, 3, 1).cpu().double().numpy()
        turns, predicted, random = (every[rows].cpu().numpy() for every in (self._targets, *said))
        return plots.Answers(images[..., 0] if images.shape[3] == 1 else images, turns, predicted, random)

    @cached_property
    def picture(self) -> plots.Picture:  # type: ignore[override]  # drawn only when somebody looks
        """Three networks, one of each family where there are three; and below them the last one asked for."""
        made = [
            self._made(self.families[place % len(self.families)], *example)
            for place, example in enumerate(EXAMPLES)
        ]
        if self._last is not None:
            made = [one for one in made if one is not self._last] + [self._last]
        return self._draw(made)

    def _draw(self, made: Sequence[Designed]) -> plots.Picture:
        pictures = len(self._inputs) // Rotation.outputs
        return plots.untrained_designs(
            [one.row for one in made],
            made[-1].answers,
            title="Which way is up? Networks that were never trained",
            note=f"{self.title}: {pictures} pictures × four turns. Kaiming: mean of {DRAWS} draws (dots); "
            "dashed: a guess.",
        )

    def widget(self) -> Any:
        """Five lists, a button, one picture and one sentence; keyboard: Tab, arrow keys, space."""
        import ipywidgets as widgets

        options = {
            "family": self.families, "stages": STAGES, "width": WIDTHS, "depth": DEPTHS, "kernel": KERNELS
        }  # fmt: skip
        first = dict(zip(("stages", "width", "depth", "kernel"), EXAMPLES[-1], strict=True))
        lists = {
            name: widgets.Dropdown(options=values, value=first.get(name, values[0]), description=name)
            for name, values in options.items()
        }
        button = widgets.Button(description="initialize")
        view = widgets.HTML()

        def show(_: Any = None) -> None:
            made = self.at(**{name: choice.value for name, choice in lists.items()})
            view.value = f"<p>{made.sentence}</p>{self._draw([made]).html}"

        button.on_click(show)
        show()
        return widgets.VBox([widgets.HBox([*lists.values()]), button, view])


def _many(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def _known(family: str, families: Sequence[str] | dict[str, Any]) -> None:
    if family not in families:
        raise UnknownNameError(
            f"No family '{family}' to design from.", nearest(family, families, "families"), name=family
        )


Sizes = tuple[int, ...]


def _dense(widths: Sizes, depths: Sizes, kernel: int) -> Architecture:
    return Dense(max(widths[0] // 2, 1), depths, kernel, 3, 1, "none")


BUILD = {
    Vgg.family: lambda widths, depths, kernel: Vgg(widths, depths, kernel, "max", 0),
    Basic.family: lambda widths, depths, kernel: Basic(widths, depths, kernel, 3, 1, "none"),
    Bottleneck.family: lambda widths, depths, kernel: Bottleneck(widths, depths, kernel, 3, 1, "none", 2),
    MobileV1.family: lambda widths, depths, kernel: MobileV1(widths, depths, kernel, 3, 1, "none"),
    MobileV2.family: lambda widths, depths, kernel: MobileV2(widths, depths, kernel, 3, 1, "none", 3),
    SqueezeExcite.family: lambda widths, depths, kernel: SqueezeExcite(
        widths, depths, kernel, 3, 1, "none", 4
    ),
    Dense.family: _dense,
}
