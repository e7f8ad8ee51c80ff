"""What study 08 says in a few lines, each from the numbers of its tables."""

from _estimates import difference, plural, shown
from _mmpt_arms import DOMAINS, SEEDS, TITLES
from _mmpt_found import ALONE, LONG, PUBLISHED, Found, Reading

RECALIBRATED = Reading("shared", "domain")
OTHERS = {
    Reading("domain", "domain"): "a BatchNorm for each domain",
    Reading("group", "everyone"): "GroupNorm",
    Reading("mixed", "everyone"): "mixed batches",
}


def summary(found: Found) -> str:
    """The lines whose runs are there."""
    lines = [
        _so_far(found),
        _collapse(found),
        _switch(found),
        _others(found),
        _against_alone(found),
        _puzzle(found),
        _heads(found),
    ]
    return "\n".join(f"- {line}" for line in lines if line)


def _so_far(found: Found) -> str:
    """How many runs are still to come."""
    there = len(found.scores(PUBLISHED, None))
    if not 0 < there < len(SEEDS):
        return ""
    return (
        f"Unfinished: {plural(there)} of {len(SEEDS)} so far, fewer of some arms. Intervals of two seeds are "
        "wide, a single seed has none, and a difference without an interval proves nothing. `make study 08` "
        "goes on where it stopped."
    )


def _collapse(found: Found) -> str:
    training = found.train_mode("shared", None)
    use = found.scores(PUBLISHED, None, "loss", "train")
    if not use:
        return ""
    gap = difference(use, training, len(SEEDS))
    return (
        "The collapse is reproduced. Loss of the same training pictures in use minus in training mode: "
        f"{shown(gap)}, mean over five domains."
    )


def _switch(found: Found) -> str:
    gap = found.gap(RECALIBRATED, PUBLISHED, None)
    if gap is None:
        return ""
    each = {domain: found.gap(RECALIBRATED, PUBLISHED, domain) for domain in DOMAINS}
    known = {TITLES[domain]: one.interval.value for domain, one in each.items() if one is not None}
    most = max(known, key=lambda name: known[name])
    return (
        f"The same weights with each domain's own statistics, without a training step: test AUC {shown(gap)} "
        f"in the mean, most for {most} ({known[most]:+.3f}); balanced accuracy "
        f"{shown(found.gap(RECALIBRATED, PUBLISHED, None, 'balacc'))}."
    )


def _others(found: Found) -> str:
    told = [
        f"{title} {shown(gap)}"
        for reading, title in OTHERS.items()
        if (gap := found.gap(reading, PUBLISHED, None)) is not None
    ]
    return f"Other repairs minus as published, mean test AUC: {'; '.join(told)}." if told else ""


def _against_alone(found: Found) -> str:
    together = {PUBLISHED: "as published", RECALIBRATED: "recalibrated", **OTHERS}
    told = [
        f"{title} {shown(gap)}"
        for reading, title in together.items()
        if (gap := found.gap(reading, ALONE, None)) is not None
    ]
    if not told:
        return ""
    long = [
        f"{TITLES[domain]} {shown(gap)}"
        for domain in DOMAINS
        if (gap := found.gap(RECALIBRATED, LONG, domain)) is not None
    ]
    more = f" Recalibrated minus networks alone with as many steps: {'; '.join(long)}." if long else ""
    return f"Together minus alone (as many passes), mean test AUC: {'; '.join(told)}.{more}"


def _puzzle(found: Found) -> str:
    vit = Reading("vit", "everyone")
    gap, repaired = found.gap(vit, PUBLISHED, None), found.gap(vit, RECALIBRATED, None)
    if gap is None:
        return ""
    return (
        f"The puzzle. Transformer minus residual network as published: {shown(gap)} in mean test AUC; minus "
        f"the same residual network recalibrated: {shown(repaired)}."
    )


def _heads(found: Found) -> str:
    gap = found.gap(Reading("zeroed", "everyone"), PUBLISHED, None)
    if gap is None:
        return ""
    return (
        "Heads do not explain it: without a gradient they do not move by one bit, and the collapse is "
        f"there. With a gradient of zero they move; mean test AUC changes by {shown(gap)}."
    )
