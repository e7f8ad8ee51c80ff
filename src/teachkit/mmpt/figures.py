"""The pictures of a network of several domains: each asks the network, none of them changes it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from teachkit.data.splits import Split
from teachkit.errors import SettingsError
from teachkit.mmpt import showing
from teachkit.mmpt.domains import named
from teachkit.mmpt.normalisation import STATISTICS
from teachkit.plots import Picture, StatisticsSwitch, curves

if TYPE_CHECKING:
    from teachkit.mmpt.model import MMPT


class Figures:
    """What `MMPT` can draw."""

    @property
    def _model(self) -> "MMPT":
        return cast("MMPT", self)

    def switch(
        self, *splits: Split, positions: Sequence[str] = STATISTICS, shown: int = 200
    ) -> StatisticsSwitch:
        """The same weights by the statistics of everyone, of the domain, of the batch: clouds and scores.

        A selector in a live notebook; else all positions side by side. ``.at("domain")`` gives the scores.

        Args:
            splits: one of each domain that is asked.
            positions: of the switch.
            shown: pictures of each split that are drawn as dots; scores are of all.

        Raises:
            UnknownNameError, SettingsError: as in `predict`.
        """
        return showing.switch(self._model, splits, positions, shown)

    def draw_clouds(
        self, *splits: Split, by: str = "domain", statistics: str | None = None, shown: int = 200
    ) -> Picture:
        """What the backbone says of each picture, as a dot on the axes along which dots differ most (PCA).

        Args:
            splits: one of each domain that is asked.
            by: "domain" colours the domains of one panel; "class" colours the classes of each domain, in a
                panel with axes of its own.
            statistics: as in `predict`.
            shown: at most so many pictures of each split, evenly spread.

        Raises:
            SettingsError: for another `by`, or "class" with several labels a picture.
        """
        return showing.draw_clouds(self._model, splits, by, statistics, shown)

    def draw_distances(self, title: str = "") -> Picture:
        """How far the statistics of each domain lie from those of everyone, from the first layer to the last.

        Raises:
            SettingsError: as in `distances`.
        """
        table = self._model.distances()
        titles = {domain.name: domain.title for domain in self._model.domains}
        return curves(
            {titles[str(name)]: [column.to_list()] for name, column in table.items()},
            xlabel="BatchNorm layer, from input to output",
            ylabel="distance from everyone\n(0 the same, 1 no overlap)",
            title=title or f"Whose mean and variance? {self._model.in_short}",
        )

    def activation_maps(
        self,
        split: Split,
        target: int | NDArray[np.int64] | None = None,
        *,
        statistics: str | None = None,
        domain: str | None = None,
        device: str = "auto",
    ) -> NDArray[np.float32]:
        """Where in each picture the evidence for a class lies: class activation maps, [N, H, W].

        The map of class c is the feature map weighted by the head's weights of c, less the mean of those of
        the other classes. Positive places speak for the class.

        Args:
            split: a split of one of the domains.
            target: a class or label for all pictures, or one for each; by default the true class.
            statistics: as in `predict`.
            domain: as in `predict`.
            device: as for `pretrain`.

        Raises:
            SettingsError: for a backbone without feature map, an ordinal head with thresholds, or a target
                that is no class.

        Source: Zhou et al., Learning deep features for discriminative localization, CVPR 2016, equations 1-2.
        """
        model = self._model
        number, rule = named(model.domains, split, domain), model.rule(statistics)
        chosen = split.labels[:, 0] if target is None else np.asarray(target, dtype=np.int64).reshape(-1)
        count = model.domains[number].outputs
        if len(chosen) not in (1, len(split)) or np.any((chosen < 0) | (chosen >= count)):
            raise SettingsError(
                f"target={target!r} does not name one of {count} classes for {len(split)} pictures.",
                f"Give one class from 0 to {count - 1}, or one for each picture.",
                target=target,
            )
        if target is None and model.domains[number].task == "multi-label":
            raise SettingsError("A picture may have several labels.", "Say which one: target=0.")
        wanted = np.broadcast_to(chosen, (len(split),)).copy()
        with model.on(split, device) as (_, shelf):
            return showing.activation_maps(model.net, shelf.domains[0], number, wanted, rule)

    def draw_maps(
        self,
        *splits: Split,
        rows: int = 4,
        target: int | None = None,
        statistics: Sequence[str] | None = None,
        seed: int = 0,
    ) -> Picture:
        """Activation maps of pictures drawn at random: a row a picture, a column for each of the statistics.

        Args:
            splits: one, or one of each domain; the rows are shared out among them.
            rows: in all, at least one of each split.
            target: the class that is spoken for or against; by default the true one of each picture.
            statistics: by default everyone's and the domain's, where the network knows both.
            seed: of the draw.

        Raises:
            SettingsError: as in `activation_maps`.
        """
        return showing.draw_maps(self._model, splits, rows, target, statistics, seed)
