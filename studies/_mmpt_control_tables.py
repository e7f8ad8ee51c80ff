"""Tables of study 08 about what else could explain the collapse, and about first places."""

import numpy as np
from _estimates import difference, mean, shown, verdict
from _grid import markdown_table
from _mmpt_arms import DOMAINS, EPOCHS, SEEDS, TITLES, order_of
from _mmpt_found import PUBLISHED, Found, Reading
from _mmpt_luck import ALIKE, AUC, MODELS, PICTURES, REPEATS, luck_cells
from scipy.stats import spearmanr

RECALIBRATED = Reading("shared", "domain")
NO_INTERVAL = "One seed, no interval."


def distance(found: Found) -> str:
    """Distance of the running average from each domain, beside what AUC loses by it."""
    rows, points = [], []
    for domain in DOMAINS:
        far = found.told("shared", "distance", domain)
        fall = found.gap(RECALIBRATED, PUBLISHED, domain)
        if not far or fall is None:
            return ""
        points.append((float(np.mean(list(far.values()))), fall.interval.value))
        cells = [mean(far, len(SEEDS)), mean(found.told("shared", "weight", domain), len(SEEDS))]
        mixed = mean(found.told("mixed", "distance", domain), len(SEEDS))
        rows.append([TITLES[domain], *map(shown, cells), shown(fall), shown(mixed)])
    header = [
        "domain",
        "distance",
        "share of the average",
        "AUC, domain − everyone",
        "distance, mixed batches",
    ]
    each = [
        float(spearmanr(far, fall).statistic)
        for seed in SEEDS
        if (pairs := _pairs(found, seed))
        for far, fall in [pairs]
    ]
    rank = float(spearmanr(*zip(*points, strict=True)).statistic)
    return "\n\n".join(
        [
            "Distance: how far the running average lies from the statistics of the domain, in standard "
            "deviations of the domain, mean over all channels of all BatchNorm layers. Share: what part of "
            "the running average the batches of the domain make up at the end of training.",
            markdown_table(header, rows),
            f"Rank correlation of distance and loss of AUC over the five domains: {rank:+.2f}; within single "
            f"seeds {min(each):+.2f} to {max(each):+.2f}. Five points prove no law: how hard a task is "
            "matters too.",
        ]
    )


def _pairs(found: Found, seed: int) -> tuple[list[float], list[float]] | None:
    """Distances and losses of AUC of the domains in one run."""
    values = found.values(f"shared_{seed}")
    if values is None:
        return None
    test = values["test"]
    falls = [test["domain"][domain]["auc"] - test["everyone"][domain]["auc"] for domain in DOMAINS]
    return [values["distance"][domain] for domain in DOMAINS], falls


def forgetting(found: Found) -> str:
    """Validation AUC right after a domain's own passes and at the end, by how many domains came after it."""
    runs = {seed: values for seed in SEEDS if (values := found.values(f"sequential_{seed}")) is not None}
    if not runs:
        return ""
    kept: dict[int, list[dict[int, float]]] = {later: [{}, {}, {}] for later in range(len(DOMAINS))}
    for seed, values in runs.items():
        for place, domain in enumerate(order_of(seed)):
            aucs = values["val"][domain]["auc"]
            later = len(DOMAINS) - 1 - place
            after, end = aucs[(place + 1) * EPOCHS - 1], aucs[-1]
            everyone = values["val_everyone"][domain]["auc"]
            for column, value in zip(kept[later], (after, end, everyone), strict=True):
                column[seed] = value
    wanted = len(SEEDS)
    rows, falls, saved = [], [], []
    for later, (after, end, everyone) in kept.items():
        fall, gain = difference(end, after, wanted), difference(end, everyone, wanted)
        falls += [fall] if later else []
        saved += [gain] if later else []
        rows.append(
            [
                str(later),
                *(f"{np.mean(list(column.values())):.3f}" for column in (after, end, everyone)),
                shown(fall),
                shown(gain),
            ]
        )
    header = [
        "domains after it", "after its own passes", "at the end, its statistics", "at the end, everyone",
        "forgotten", "its statistics − everyone",
    ]  # fmt: skip
    return "\n\n".join(
        [
            f"One domain after another, {EPOCHS} passes each; the order turns with the seed, so each domain "
            "is once in every place. **Validation** AUC. *Its statistics*: recalibrated. *Everyone*: the "
            f"running average, which only remembers the last domain. Runs: {len(runs)}.",
            markdown_table(header, rows),
            f"Forgotten, with statistics of the domain: {verdict(falls) or NO_INTERVAL} What the statistics "
            f"alone do on top: {verdict(saved) or NO_INTERVAL}" + _together(found),
        ]
    )


def _together(found: Found) -> str:
    """Learning all at once against one after another."""
    gap = found.gap(RECALIBRATED, Reading("sequential", "domain"), None)
    if gap is None:
        return ""
    return (
        " On test pictures, each domain with its own statistics, all at once minus one after the other: "
        f"{shown(gap)} in the mean AUC."
    )


def heads(found: Found) -> str:
    """Heads in steps without their pictures, left alone or with a gradient of zero."""
    rows = []
    for arm, title in (("shared", "no gradient (as torch does today)"), ("zeroed", "a gradient of zero")):
        runs = [values for seed in SEEDS if (values := found.values(f"{arm}_{seed}")) is not None]
        if runs:
            change = max(run["idle_change"] for run in runs)
            rows.append(
                [
                    title,
                    "0 (not one bit)" if change == 0 else f"{change:.4f}",
                    *(shown(found.mean(Reading(arm, rule), None)) for rule in ("everyone", "domain")),
                ]
            )
    if len(rows) < 2:
        return ""
    gaps = {
        rule: found.gap(Reading("zeroed", rule), Reading("shared", rule), None)
        for rule in ("everyone", "domain")
    }
    return "\n\n".join(
        [
            "One-domain batches. Largest change of a number of a head in one step without a picture of its "
            "domain, over all steps and runs; mean test AUC of the five domains.",
            markdown_table(["idle heads get", "largest change", "AUC, everyone", "AUC, domain"], rows),
            "Zero minus none: "
            + "; ".join(
                f"statistics of {rule if rule == 'everyone' else 'the domain'} {shown(gap)}"
                for rule, gap in gaps.items()
            )
            + ". The collapse is there with heads that did not move, so moving heads cannot be its cause.",
        ]
    )


def luck(found: Found) -> str:
    """Rise of the best of many equal models."""
    rows = []
    for (name, settings), alike in zip(luck_cells(), ALIKE * len(PICTURES), strict=True):
        if (values := found.values(name)) is None:
            continue
        for score, title in (("auc", "AUC"), ("balacc", "balanced accuracy")):
            best = values[score]
            rows.append(
                [
                    f"{settings['pictures']} pictures, {title}, alike {alike:g}",
                    *(f"{best[str(models)][0]:+.3f}" for models in MODELS),
                    f"{best[str(max(MODELS))][1]:+.3f} to {best[str(max(MODELS))][2]:+.3f}",
                ]
            )
    if not rows:
        return ""
    first = found.values(f"luck_{min(PICTURES)}_0.5")
    told = (
        ""
        if first is None
        else (
            f"On {min(PICTURES)} pictures the best of {max(MODELS)} equal models, alike to 0.5, stands "
            f"{first['auc'][str(max(MODELS))][0]:.3f} of AUC and {first['balacc'][str(max(MODELS))][0]:.3f} "
            "of balanced accuracy too high. On new pictures it is as good as all others."
        )
    )
    return "\n\n".join(
        [
            f"No network. Scores of pictures are drawn for {max(MODELS)} models, each with a true AUC of "
            f"{AUC:g}, and measured by the rules of the benchmark. Score of the best of 1, 5, 10 and 50 "
            f"models minus the true one: mean of {REPEATS} test sets; last column: where 95 % of them lie "
            f"for {max(MODELS)}. *Alike*: correlation of two models' scores of one picture beyond its class. "
            f"{min(PICTURES)} pictures are BreastMNIST's test set, {max(PICTURES)} PneumoniaMNIST's.",
            markdown_table(["best of", *map(str, MODELS), f"95 % for {max(MODELS)}"], rows),
            told,
        ]
    )
