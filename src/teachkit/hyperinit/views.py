"""What a hyper-initializer can show: networks to ask, its answers, the way to weights, and their worth."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from torch import nn

from teachkit import plots
from teachkit.data import Split
from teachkit.hyperinit.architectures import Architecture, Stream, references
from teachkit.hyperinit.pictures import Pictures
from teachkit.hyperinit.pretext import Pretext

if TYPE_CHECKING:
    from teachkit.hyperinit.designs import Designer
    from teachkit.hyperinit.initializer import HyperInitializer
    from teachkit.hyperinit.layer_spread import Spread
    from teachkit.hyperinit.starts import Starts


class Views:
    """The part of `HyperInitializer` that only looks; nothing here changes it."""

    @property
    def _own(self) -> "HyperInitializer":
        return cast("HyperInitializer", self)

    @property
    def references(self) -> dict[str, Architecture]:
        """Networks for the exam by name, which a stream never draws; see `references`."""
        return references()

    def stream(self, families: Sequence[str], *, seed: int = 0, size: int | None = 1000) -> Stream:
        """Random networks of these families to pre-train on, without those of the exam; see `Stream`."""
        return Stream(families=tuple(families), seed=seed, size=size)

    def scores(
        self,
        architectures: Mapping[str, Architecture],
        pictures: Pictures,
        pretext: str | Pretext = "rotation",
        limit: int = 64,
    ) -> dict[str, dict[str, float]]:
        """Loss and accuracy of networks with predicted numbers, never trained; see `pretext_scores`.

        Args:
            limit: how many of the pictures are shown, in all four turns.
        """
        from teachkit.hyperinit.scoring import pretext_scores

        return pretext_scores(self._own, architectures, pictures, pretext, limit=limit)

    def draw_decoding(self, module: nn.Module, layer: str, title: str = "") -> plots.Picture:
        """How the state of one node becomes the weights of `layer`, in five steps.

        Args:
            layer: path of a convolution or linear layer of `module`, such as "layer4.1.conv2".

        Raises:
            UnknownNameError: for a layer whose weights are not predicted.
        """
        from teachkit.hyperinit.decoding import draw_decoding

        return draw_decoding(self._own, module, layer, title)

    def draw_spread(self, architecture: Architecture, channels: int) -> "Spread":
        """Spread of the weights of each layer, beside that of Kaiming's random numbers.

        Args:
            channels: of the pictures, 1 for grey ones.
        """
        from teachkit.hyperinit.layer_spread import measure

        return measure(self._own, architecture, channels)

    def design(self, pictures: Pictures, families: Sequence[str] | None = None) -> "Designer":
        """Build a network from blocks: which way is up, for predicted and for random numbers?

        Args:
            pictures: square ones; 64 of them are shown in all four turns.
            families: to choose from; by default all but cells.

        Raises:
            SettingsError: when this hyper-initializer was pre-trained on another task.
        """
        from teachkit.hyperinit.designs import Designer

        return Designer(self._own, pictures, families)

    def compare(
        self, network: Architecture, train: Split, val: Split, test: Split, **settings: Any
    ) -> "Starts":
        """Train `network` from five starts, with few labels; see `comparing.compare` for the settings.

        They are labels, epochs, rates, seeds, first_seed, own_steps, jobs, batch_size, pretext, arms, limit.
        """
        from teachkit.hyperinit.comparing import compare

        return compare(self._own, network, train, val, test, **settings)
