"""What study 07 says in a few lines, with its numbers taken from the runs."""

import numpy as np
from _estimates import shown
from _hyperinit_arms import DEVELOPMENT, OUTSIDE, SEEDS, Recipe
from _hyperinit_down import NETWORKS
from _hyperinit_down_tables import over_sets
from _hyperinit_exam import exam_name
from _hyperinit_found import Found

from teachkit.hyperinit import references


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
    """Against Kaiming."""
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
    """a minus b in AUC, mean of the sets, by probe and fine-tuned."""
    parts = []
    for way, word in (("probe", "linear probe"), ("tuned", "fine-tuned")):
        means = {network: over_sets(found, network, a, b, way) for network in NETWORKS}
        said = ", ".join(f"{network} {shown(mean)}" for network, mean in means.items() if mean is not None)
        if said:
            parts.append(f"{word} {said}")
    return f"{title}, mean of the sets: {'; '.join(parts)}." if parts else ""


def _exams(found: Found, data: str) -> list[dict]:
    names = (exam_name(Recipe(data, "rotation", "three", 1_000, seed)) for seed in SEEDS)
    return [values for name in names if (values := found.values(name))]
