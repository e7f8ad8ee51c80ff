"""Tables of study 07 about segmentation, maps and costs."""

from _grid import markdown_table
from _hyperinit_cost import LARGE, OWN_STEPS, SMALL, break_even
from _hyperinit_found import Found

MISSING = "Not computed yet."


def later_sections(found: Found) -> list[str]:
    """Headings and tables."""
    return ["### Costs", costs(found)]


def costs(found: Found) -> str:
    """Seconds of one processor, and from how many networks on it pays."""
    whole = found.values("cost_pretraining")
    rows = []
    for name in (*SMALL, *LARGE):
        if (values := found.values(f"cost_{name}")) is None or whole is None:
            continue
        even = (break_even(whole["seconds"], values, steps) for steps in OWN_STEPS)
        rows.append(
            [
                name,
                f"{values['parameters'] / 1e6:.2f}",
                str(values["nodes"]),
                *(f"{values[what]:.3f}" for what in ("graph", "predict", "own_step")),
                *(f"{number:,.0f}" for number in even),
            ]
        )
    if not rows or whole is None:
        return MISSING
    header = ["network", "million parameters", "nodes", "graph, s", "numbers, s", "one own step, s"]
    header += [f"break-even, {steps:,} own steps" for steps in OWN_STEPS]
    return "\n\n".join(
        [
            f"Processor seconds in one thread. The chosen pre-training takes {whole['seconds']:.0f} s "
            f"({whole['step']:.3f} s a step). An own step is one of rotation with 48 inputs of 28 pixels. "
            "Break-even: so many networks must be started before the hyper-initializer is cheaper than "
            "pre-training each of them. It says nothing of which start is better. Small networks are ours, "
            "large ones torchvision's.",
            markdown_table(header, rows),
        ]
    )
