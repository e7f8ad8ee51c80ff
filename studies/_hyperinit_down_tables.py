"""Tables of study 07 about tasks with few labels."""

from collections.abc import Callable, Iterator
from statistics import fmean

from _estimates import Estimate, shown, verdict
from _grid import markdown_table
from _hyperinit_arms import DEVELOPMENT
from _hyperinit_down import DATA, FEW_STARTS, LABELS, LONG, NETWORKS, OTHER_LABELS, OWN, QUICK
from _hyperinit_found import START_TITLES, ByDraw, Found, difference, mean_score

STARTS = (*QUICK, LONG, *OWN)
PAIRS = (
    ("chosen", "kaiming"),
    ("published", "kaiming"),
    ("chosen", "untrained"),
    ("chosen", "shuffled"),
    ("untrained", "kaiming"),
    ("long", "kaiming"),
    ("own_chosen", "chosen"),
    ("own_rotation", "kaiming"),
)
PUBLISHED_RATE = 0.01
TITLES = {"retinamnist": "Retina", "breastmnist": "Breast", DEVELOPMENT: "Pneumonia (development)"}
MISSING = "Not computed yet."
Scored = Callable[[str, str, str], ByDraw]  # from set, network and start


def down_sections(found: Found) -> list[str]:
    """Headings and tables."""
    return [
        "### Linear probe on test pictures",
        by_start(found, lambda *where: found.probe(*where)),
        "### Fine-tuned on few labels",
        tuning(found),
        "### Differences",
        differences(found),
        "### RetinaMNIST in kappa",
        kappas(found),
        "### Fewer and more labels",
        by_labels(found),
    ]


def places() -> Iterator[tuple[str, str]]:
    """Sets and networks, in the order of tables."""
    for data in DATA:
        for network in NETWORKS:
            yield data, network


def by_start(found: Found, scored: Scored) -> str:
    """AUC of each start; sets and networks are rows."""
    rows = []
    for data, network in places():
        line = [mean_score(scored(data, network, start)) for start in STARTS]
        if any(line):
            rows.append([f"{TITLES[data]}, {network}", *map(shown, line)])
    if not rows:
        return MISSING
    return markdown_table(["AUC", *(START_TITLES[start] for start in STARTS)], rows)


def tuning(found: Found) -> str:
    """After each epoch at the published rate; at the end at the rate of each start."""
    if not any(found.down(*place, "kaiming") for place in places()):
        return MISSING
    parts = [
        "Test AUC after five epochs, each start at the rate that validation chose for it:",
        by_start(found, lambda *where: found.tuned(*where)),
        "These rates:",
        _rates(found),
        f"At rate {PUBLISHED_RATE:g}, which the paper uses for everything:",
        by_start(found, lambda *where: found.tuned(*where, rate=PUBLISHED_RATE)),
        "After the first epoch, each start at its own rate (its schedule is that of five epochs):",
        by_start(found, lambda *where: found.tuned(*where, epoch=1)),
    ]
    return "\n\n".join(parts)


def _rates(found: Found) -> str:
    rows = []
    for data, network in places():
        rates = [found.rate(data, network, start) for start in STARTS]
        if any(rates):
            texts = ("–" if rate is None else f"{rate:g}" for rate in rates)
            rows.append([f"{TITLES[data]}, {network}", *texts])
    return markdown_table(["rate", *(START_TITLES[start] for start in STARTS)], rows)


def gaps(found: Found, a: str, b: str, way: str) -> list[Estimate | None]:
    """a minus b, for every set and network; way is "probe" or "tuned"."""
    scored = found.probe if way == "probe" else found.tuned
    return [difference(scored(*place, a), scored(*place, b)) for place in places()]


def over_sets(found: Found, network: str, a: str, b: str, way: str) -> Estimate | None:
    """a minus b of one network, the mean of all sets where both were run; draw by draw."""
    scored = found.probe if way == "probe" else found.tuned
    pairs = [(scored(data, network, a), scored(data, network, b)) for data in DATA]
    pairs = [pair for pair in pairs if all(pair)]
    shared = set.intersection(*(set(each) for pair in pairs for each in pair)) if pairs else set()
    first, second = ({draw: fmean([p[k][draw] for p in pairs]) for draw in shared} for k in (0, 1))
    return difference(first, second)


def differences(found: Found) -> str:
    """Pairs of starts; draw by draw."""
    parts = []
    for way, title in (("probe", "Linear probe"), ("tuned", "Fine-tuned, five epochs, each at its own rate")):
        columns = {pair: gaps(found, *pair, way) for pair in PAIRS}
        rows = []
        for number, (data, network) in enumerate(places()):
            line = [column[number] for column in columns.values()]
            if any(line):
                rows.append([f"{TITLES[data]}, {network}", *map(shown, line)])
        if not rows:
            continue
        for network in NETWORKS:
            line = [over_sets(found, network, *pair, way) for pair in PAIRS]
            rows.append([f"Mean of the sets, {network}", *map(shown, line)])
        header = ["AUC", *(_pair(*pair) for pair in PAIRS)]
        lines = [f"- {_pair(*pair)}: {said}" for pair, column in columns.items() if (said := verdict(column))]
        parts += [f"{title}:", markdown_table(header, rows), "\n".join(lines)]
    if not parts:
        return MISSING
    parts.append("Where nothing differs, chance puts about one interval in twenty wholly on one side.")
    return "\n\n".join(parts)


def _pair(a: str, b: str) -> str:
    return f"{START_TITLES[a]} − {START_TITLES[b]}"


def kappas(found: Found) -> str:
    """Five grades: agreement with quadratic and with linear weights."""
    rows = []
    for network in NETWORKS:
        for score, title in (("kappa_quadratic", "quadratic"), ("kappa_linear", "linear")):
            line = [mean_score(found.tuned("retinamnist", network, start, score)) for start in STARTS]
            if any(line):
                rows.append([f"{network}, {title}", *map(shown, line)])
    if not rows:
        return MISSING
    return "\n\n".join(
        [
            "Fine-tuned as above, test pictures:",
            markdown_table(["kappa", *(START_TITLES[start] for start in STARTS)], rows),
        ]
    )


def by_labels(found: Found) -> str:
    """One network with other numbers of labels."""
    rows = []
    for data in DATA:
        for labels in sorted((LABELS, *OTHER_LABELS)):
            scores = [_at(found, data, start, labels) for start in FEW_STARTS]
            if labels != LABELS and not any(scores):
                continue
            gap = difference(scores[FEW_STARTS.index("chosen")], scores[FEW_STARTS.index("kaiming")])
            line = [mean_score(each) for each in scores]
            if any(line):
                rows.append([f"{TITLES[data]}, {labels}", *map(shown, line), shown(gap)])
    if len(rows) <= len(DATA):
        return MISSING
    header = ["set, labels a class", *(START_TITLES[start] for start in FEW_STARTS), "chosen − Kaiming"]
    return "\n\n".join(
        [
            f"{NETWORKS[0]}, test AUC after five epochs. The rate is the one that validation chose for "
            f"{LABELS} labels a class, also for the other numbers.",
            markdown_table(header, rows),
        ]
    )


def _at(found: Found, data: str, start: str, labels: int) -> ByDraw:
    rate = found.rate(data, NETWORKS[0], start)
    return {} if rate is None else found.tuned(data, NETWORKS[0], start, rate=rate, labels=labels)
