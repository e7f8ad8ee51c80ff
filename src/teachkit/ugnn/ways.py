"""Ways to train the same networks on the same clusters: plain, each as a uGNN of its own, all as one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from teachkit.errors import SettingsError, nearest
from teachkit.graphs import Union, model_graph, unite
from teachkit.ugnn.fitting import Alone
from teachkit.ugnn.groups import Groups, choose, learned
from teachkit.ugnn.model import UGNN

Kind = Literal["plain", "solo", "joint", "pooled"]
Sharing = Literal["generator", "generator only"]


@dataclass(frozen=True)
class Way:
    """How networks are trained.

    Attributes:
        kind: "plain": the networks as they are; "solo": each a uGNN of its own; "joint": one uGNN of all;
            "pooled": plain, but every network learns from all clusters.
        rule: "fixed" or "compounding"; for "solo" and "joint", like `groups`.
        groups: who shares scale and shift; see `UGNN`. In a solo run a group ends at the model.
        lr: a learning rate of its own; None takes that of the comparison.
        sharing: "generator" adds what a small network says to each scale and shift, one network for all
            models in a joint run and one for each in a solo run; with "generator only" nothing else is
            trained but the two bounds of the softsign. See `UGNN`.
    """

    kind: Kind
    rule: Literal["fixed", "compounding"] = "fixed"
    groups: str | int = "edge"
    lr: float | None = None
    sharing: Sharing | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise SettingsError(
                f"No way '{self.kind}'.", nearest(str(self.kind), get_args(Kind), "ways"), kind=self.kind
            )
        if self.sharing not in (None, *get_args(Sharing)):
            raise SettingsError(
                f"No sharing by '{self.sharing}'.",
                nearest(str(self.sharing), get_args(Sharing), "kinds of sharing"),
                sharing=self.sharing,
            )

    @classmethod
    def of(cls, given: "Way | Mapping[str, Any] | str") -> "Way":
        """From a way, its kind, or a dict of settings."""
        if isinstance(given, Way):
            return given
        settings = {"kind": given} if isinstance(given, str) else dict(given)
        known = [field.name for field in fields(cls)]
        if unknown := [name for name in settings if name not in known]:
            raise SettingsError(
                f"A way has no setting '{unknown[0]}'.",
                nearest(unknown[0], known, "settings"),
                name=unknown[0],
            )
        if "kind" not in settings:
            raise SettingsError(f"{settings} says no kind.", f"Add one of {', '.join(get_args(Kind))}.")
        return cls(**settings)

    @property
    def pooled(self) -> bool:
        return self.kind == "pooled"

    def settings(self) -> dict[str, Any]:
        """What the result depends on, for a file."""
        plain = ("kind", "lr")
        return {
            name: value
            for name, value in asdict(self).items()
            if name in plain or (self.kind in ("solo", "joint") and not (name == "sharing" and value is None))
        }

    def build(self, networks: Sequence[nn.Module], example: Tensor, seed: int = 0) -> nn.Module:
        """What `fit` trains; the networks themselves are used, so give copies.

        All networks of a solo way are held in one graph, because that is faster. Nothing ties them: no
        group crosses models, and each has scales of its own.
        """
        if self.kind in ("plain", "pooled"):
            return Alone(networks)
        union = unite(model_graph(network, example) for network in networks)
        joint = self.kind == "joint"
        groups = choose(self.groups, union, seed)
        reach: Literal["shared", "per_model"] = "shared" if joint else "per_model"
        return UGNN(
            union,
            groups if joint else apart(groups, union),
            self.rule,
            reach,
            generator=None if self.sharing is None else reach,
            own=self.sharing != "generator only",
            seed=seed,
        )


def apart(groups: Groups, union: Union) -> Groups:
    """The same groups, cut where they cross from one model to another."""
    edges, biases = learned(union)
    first = torch.tensor([*union.value_offsets[1:]])
    return Groups(
        *(
            _numbered(torch.bucketize(ids, first, right=True), group)
            for ids, group in ((edges, groups.edges), (biases, groups.biases))
        )
    )


def _numbered(owner: Tensor, group: Tensor) -> Tensor:
    """A number from 0 for each pair of owner and group, in the order of both."""
    pairs = owner * (int(group.max()) + 1 if len(group) else 1) + group
    return pairs.unique(return_inverse=True)[1]
