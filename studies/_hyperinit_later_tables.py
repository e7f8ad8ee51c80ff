"""Tables of study 07 about segmentation, maps and costs."""

import numpy as np
from _estimates import shown
from _grid import markdown_table
from _hyperinit_cost import LARGE, OWN_STEPS, SMALL, break_even
from _hyperinit_down import LABELS
from _hyperinit_found import START_TITLES, ByDraw, Found, difference, mean_score
from _hyperinit_maps import DRAWS as MAP_DRAWS
from _hyperinit_maps import EPOCHS, NETWORK
from _hyperinit_maps import STARTS as MAP_STARTS
from _hyperinit_seg import CROP, DRAWS, PICTURES, RATES, STARTS, STEPS

MISSING = "Not computed yet."


def later_sections(found: Found) -> list[str]:
    """Headings and tables."""
    return [
        "### A U-Net, encoder predicted",
        segmentation(found),
        "### Maps while tuning",
        maps(found),
        "### Costs",
        costs(found),
    ]


def segmentation(found: Found) -> str:
    """Dice of nuclei; each start at the rate that validation chose for it."""
    rows = []
    for count in PICTURES:
        scores = {start: dice(found, start, count) for start in STARTS}
        line = [mean_score(each, len(DRAWS)) for each in scores.values()]
        gaps = [difference(scores[a], scores["kaiming"], len(DRAWS)) for a in STARTS if a != "kaiming"]
        if any(line):
            rows.append([str(count), *map(shown, line), *map(shown, gaps)])
    if not rows:
        return MISSING
    header = ["labelled pictures", *STARTS, *(f"{a} − kaiming" for a in STARTS if a != "kaiming")]
    return "\n\n".join(
        [
            f"Nuclei (BBBC038), crops of {CROP} pixels, Dice of nuclei on test crops after {STEPS} steps. "
            "Only the encoder gets numbers; the random decoder is the same for all starts of a draw. The "
            "hyper-initializer was trained on crops of the training pictures, with the task that validation "
            f"chose on PneumoniaMNIST. {len(DRAWS)} draws: an interval of so few is wide.",
            markdown_table(header, rows),
        ]
    )


def dice(found: Found, start: str, count: int) -> ByDraw:
    """Test Dice by draw, at the rate with the best mean Dice on validation crops."""
    cells = {
        draw: values for draw in DRAWS if (values := found.values(f"seg_{start}_{count}_{draw}")) is not None
    }
    if not cells:
        return {}
    means = {
        rate: float(np.nan_to_num(np.mean([cell["by_rate"][f"{rate:g}"] for cell in cells.values()])))
        for rate in RATES
    }
    best = max(RATES, key=lambda rate: means[rate])
    return {draw: cell["dice"][f"{best:g}"] for draw, cell in cells.items()}


def maps(found: Found) -> str:
    """How early activation maps look as they will in the end."""
    scores = {start: [agreement(found, start, epoch) for epoch in EPOCHS[:-1]] for start in MAP_STARTS}
    if not any(map(any, scores.values())):
        return MISSING
    rows = []
    for place, epoch in enumerate(EPOCHS[:-1]):
        line = [scores[start][place] for start in MAP_STARTS]
        gap = difference(scores["chosen"][place], scores["kaiming"][place], len(MAP_DRAWS))
        rows.append([str(epoch), *(shown(mean_score(each, len(MAP_DRAWS))) for each in line), shown(gap)])
    header = ["epochs", *(START_TITLES[start] for start in MAP_STARTS), "chosen − Kaiming"]
    return "\n\n".join(
        [
            f"{NETWORK}, PneumoniaMNIST, {LABELS} labelled pictures a class, all test pictures, "
            f"{len(MAP_DRAWS)} draws. Correlation of a picture's activation map with its own map after "
            f"{EPOCHS[-1]} epochs, minus the correlation with another picture's: smooth maps agree by luck. "
            "At 0 epochs the last layer is random.",
            markdown_table(header, rows),
        ]
    )


def agreement(found: Found, start: str, epoch: int) -> ByDraw:
    """Correlation with the own last map minus that with another's, by draw."""
    cells = {draw: found.values(f"maps_{NETWORK}_{start}_{draw}") for draw in MAP_DRAWS}
    return {
        draw: cell["with_last"][str(epoch)] - cell["with_others"][str(epoch)]
        for draw, cell in cells.items()
        if cell is not None
    }


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
