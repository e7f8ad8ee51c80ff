"""What study 07 says in a few lines, with its numbers taken from the runs."""

from collections.abc import Sequence

import numpy as np
from _hyperinit_arms import DEVELOPMENT, OUTSIDE, SEEDS, Recipe
from _hyperinit_down import NETWORKS
from _hyperinit_down_tables import gaps, places
from _hyperinit_exam import exam_name
from _hyperinit_found import Estimate, Found

from teachkit.hyperinit import references

INSIDE = tuple(network for network in NETWORKS if network != OUTSIDE)


def summary(found: Found) -> str:
    """One line a claim; only of what is there."""
    lines = [line for write in (_proof, _layout, _choice, _help, _controls, _own) if (line := write(found))]
    return "\n".join(f"- {line}" for line in lines)


def _proof(found: Found) -> str:
    """Accuracy of unseen networks on the set of the lesson."""
    cells = _exams(found, DEVELOPMENT)
    if not cells:
        return ""
    inside = [name for name in references() if name != OUTSIDE]
    known = [cell["trained"][name]["accuracy"] for cell in cells for name in inside]
    outside = np.mean([cell["trained"][OUTSIDE]["accuracy"] for cell in cells])
    before = np.mean([cell["untrained"][name]["accuracy"] for cell in cells for name in inside])
    return (
        "Weights can be predicted. On PneumoniaMNIST test pictures, networks that were never trained name "
        f"the turn in {min(known):.2f} to {max(known):.2f} of all cases, before pre-training in "
        f"{before:.2f}. The network of a family that was not drawn: {outside:.2f} (a guess: 0.25)."
    )


def _layout(found: Found) -> str:
    """The mean image beside the networks."""
    pneumonia, patches = found.values(f"mean_{DEVELOPMENT}"), found.values("mean_ihc_patches")
    if pneumonia is None or patches is None:
        return ""
    return (
        f"That task asks for little: the mean training picture alone names {pneumonia['accuracy']:.3f} of "
        f"the turns. Histology patches (one slide) have no up: {patches['accuracy']:.3f}."
    )


def _choice(found: Found) -> str:
    if (choice := found.choice) is None:
        return ""
    return (
        f"Validation chose {choice.pretext}, {choice.families} families, {choice.steps:,} steps. The table "
        "of the choice shows what each of the three is worth."
    )


def _help(found: Found) -> str:
    """Chosen against Kaiming, in and out of family, by probe and fine-tuned."""
    chosen = _line(found, "Does it help? The chosen start minus Kaiming", "chosen", "kaiming")
    published = _line(found, " The published one minus Kaiming", "published", "kaiming")
    return chosen + published + _line(found, " The long run minus Kaiming", "long", "kaiming")


def _controls(found: Found) -> str:
    """What of it is not the spread of the numbers."""
    shuffled = _line(found, "Chosen minus its own numbers in random order", "chosen", "shuffled")
    return shuffled + _line(found, " Chosen minus untrained", "chosen", "untrained")


def _own(found: Found) -> str:
    return _line(found, "Pre-training of the network itself minus chosen", "own_chosen", "chosen")


def _line(found: Found, title: str, a: str, b: str) -> str:
    """a minus b, by probe and fine-tuned."""
    ways = {"linear probe": gaps(found, a, b, "probe"), "fine-tuned": gaps(found, a, b, "tuned")}
    parts = [f"{way} {said}" for way, column in ways.items() if (said := _said(column))]
    return f"{title}: {'; '.join(parts)}." if parts else ""


def _said(column: Sequence[Estimate | None]) -> str:
    """Range, and how many intervals exclude zero; the network of the outside family apart."""
    texts = []
    for title, wanted in ((f"on {' and '.join(INSIDE)}", INSIDE), (f"on {OUTSIDE}", (OUTSIDE,))):
        known = [
            estimate.interval
            for (_, network), estimate in zip(places(), column, strict=True)
            if estimate is not None and network in wanted
        ]
        if known:
            values = [interval.value for interval in known]
            above = sum(interval.low > 0 for interval in known)
            below = sum(interval.high < 0 for interval in known)
            texts.append(
                f"{min(values):+.3f} to {max(values):+.3f} {title} ({above} of {len(known)} intervals "
                f"above 0, {below} below)"
            )
    return ", ".join(texts)


def _exams(found: Found, data: str) -> list[dict]:
    names = (exam_name(Recipe(data, "rotation", "three", 1_000, seed)) for seed in SEEDS)
    return [values for name in names if (values := found.values(name))]
