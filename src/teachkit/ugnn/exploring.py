"""What can be looked at in a union: its weights squashed, its gradients, and a knob of sharing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from teachkit import plots
from teachkit.errors import SettingsError

if TYPE_CHECKING:
    from teachkit.ugnn.model import UGNN

Stop = str | int
FEWEST = 10


@dataclass(frozen=True, eq=False)
class Sharing:
    """Which losses pull at which models, with a number of groups.

    Attributes:
        groups: "edge", or the number of random groups.
        lengths: of the gradient of each loss on the theta of each model's edges [losses, models].
    """

    groups: Stop
    lengths: NDArray[np.float64]

    @property
    def name(self) -> str:
        """For a table or an axis."""
        return "one an edge" if self.groups == "edge" else f"{self.groups:,} groups"

    @property
    def others(self) -> float:
        """Share of the squared gradient on a model that is due to losses of other models; mean over models.

        0: every model learns alone. With three losses that pull alike it is 2/3.
        """
        squared = self.lengths**2
        total = squared.sum(0)
        shares = np.divide(total - squared.diagonal(), total, out=np.zeros_like(total), where=total > 0)
        return float(shares.mean())

    @property
    def sentence(self) -> str:
        """In words."""
        crossing = int((self.lengths > 0).sum() - (self.lengths.diagonal() > 0).sum())
        pairs = self.lengths.size - len(self.lengths)
        return (
            f"{self.name}: {crossing} of {pairs} foreign losses reach a model; {self.others:.1%} of the "
            "squared gradient on a model comes from others."
        )


class SharingExplorer(plots.Explorer):
    """A knob for the number of groups where a reader can turn it, and always its stops as a picture.

    Attributes:
        table: one row a stop.
        picture: the static twin.
    """

    def __init__(
        self,
        model: "UGNN",
        inputs: Sequence[Tensor],
        labels: Sequence[Tensor],
        stops: Sequence[Stop],
        title: str,
    ) -> None:
        self._model, self._inputs, self._labels, self._title = model, inputs, labels, title
        self._found: dict[Stop, Sharing] = {}
        self._stops = list(stops)
        self.table = pd.DataFrame(
            [
                {"groups": one.name, "from others": one.others, "sentence": one.sentence}
                for one in map(self.at, self._stops)
            ]
        )
        self.picture = self.draw()

    def at(self, groups: Stop) -> Sharing:
        """Gradients at the start of training, with this number of groups."""
        if groups not in self._found:
            from teachkit.ugnn.model import UGNN

            fresh = UGNN(self._model.union, groups)
            outputs = fresh(self._inputs)
            losses = [F.cross_entropy(out, y) for out, y in zip(outputs, self._labels, strict=True)]
            self._found[groups] = Sharing(groups, fresh.influence(losses).double().cpu().numpy())
        return self._found[groups]

    def draw(
        self,
        scores: Mapping[str, Mapping[Stop, Sequence[float]]] | None = None,
        *,
        label: str = "weighted F1",
        title: str = "",
    ) -> plots.Picture:
        """All stops; with scores, also how good the models became.

        Args:
            scores: name of a line to the score of each stop, one number a fold.
            label: name of the score.
            title: in place of that of the knob.

        Raises:
            SettingsError: when a score belongs to no stop.
        """
        found = [self.at(stop) for stop in self._stops]
        known = {one.groups: one.name for one in found}
        for stop in (stop for line in (scores or {}).values() for stop in line):
            if stop not in known:
                raise SettingsError(
                    f"There are scores for {stop} groups, but no such stop.",
                    f"The stops are {', '.join(map(str, known))}.",
                    groups=stop,
                )
        return plots.sharing_stops(
            {one.name: one.lengths for one in found},
            {one.name: one.others for one in found},
            self._model.names,
            {line: {known[s]: list(v) for s, v in of.items()} for line, of in (scores or {}).items()},
            label=label,
            title=title or self._title,
        )

    def widget(self) -> Any:
        """One slider, one picture and one sentence that follow it; keyboard: Tab, then arrow keys."""
        import ipywidgets as widgets

        largest = len(self._model.groups.edges)
        stops: list[Stop] = ["edge"]
        while (nearest := largest // 4 ** len(stops)) >= FEWEST:
            stops.append(nearest)
        slider = widgets.SelectionSlider(
            options=[("one an edge" if stop == "edge" else f"{stop:,}", stop) for stop in stops],
            description="groups",
            continuous_update=False,
            layout=widgets.Layout(width="36em"),
        )
        view = widgets.HTML()

        def follow(_: Any = None) -> None:
            one = self.at(slider.value)
            picture = plots.sharing_stops(
                {one.name: one.lengths}, {one.name: one.others}, self._model.names, title=self._title
            )
            view.value = f"<p>{one.sentence}</p>{picture.html}"

        slider.observe(follow, "value")
        follow()
        return widgets.VBox([slider, view])


def stops_for(edges: int, wanted: Sequence[Stop] | None) -> list[Stop]:
    """The stops of a knob: those asked for; or one group an edge, 1 % fewer, then powers of ten to 100."""
    if wanted is not None:
        return list(wanted)
    nearly = edges * 99 // 100
    powers = range(len(str(nearly)) - 1, 1, -1)
    return ["edge", nearly, *(10**power for power in powers if 10**power < nearly)]


def draw_gradient(model: "UGNN", losses: Sequence[Tensor], title: str) -> plots.Picture:
    """The gradient of each loss on the theta of every edge of the union."""
    rows = torch.stack([model.gradient(loss) for loss in losses]).double().cpu().numpy()
    sizes = [graph.num_edges for graph in model.union.models]
    return plots.gradient_map(rows, sizes, model.names, title=title)


def explore_weights(model: "UGNN", title: str) -> plots.SoftsignExplorer:
    """The softsign over the numbers of all learned edges, as they are before scale and shift."""
    with torch.no_grad():
        weights = model.edges.spread_out(model.edges.values).double().cpu().numpy()
    return plots.explore_softsign(weights, title=title or ", ".join(model.names))


def draw_compounding(starts: Sequence[float], steps: int) -> plots.Picture:
    return plots.repeated_softsign(starts, steps)
