"""Tables of study 08: what repairs the collapse, and what is gained beside a network for each domain."""

from _estimates import shown, verdict
from _grid import markdown_table
from _mmpt_arms import DOMAINS, SMALL, TITLES
from _mmpt_found import ALONE, LONG, PUBLISHED, READINGS, Found, Reading

COLUMNS = [*(TITLES[domain] for domain in DOMAINS), "mean"]
PLACES = (*DOMAINS, None)
SCORES = {"auc": "AUC", "balacc": "balanced accuracy"}
TOGETHER = (
    PUBLISHED,
    Reading("shared", "domain"),
    Reading("domain", "domain"),
    Reading("group", "everyone"),
    Reading("mixed", "everyone"),
)


def repairs(found: Found) -> str:
    """Test scores of every reading, and differences from the published one."""
    text = []
    for score, title in SCORES.items():
        rows = [
            [told, *(shown(found.mean(reading, domain, score)) for domain in PLACES)]
            for reading, told in {**READINGS, ALONE: "alone: a network for each domain"}.items()
            if found.mean(reading, None, score) is not None
        ]
        if rows:
            text.append(markdown_table([f"{title}, test", *COLUMNS], rows))
    if not text:
        return ""
    for score, title in SCORES.items():
        rows = [
            [told, *(shown(found.gap(reading, PUBLISHED, domain, score)) for domain in PLACES)]
            for reading, told in READINGS.items()
            if reading not in (PUBLISHED, Reading("vit", "everyone"))
            and found.gap(reading, PUBLISHED, None, score) is not None
        ]
        if rows:
            text.append(markdown_table([f"minus as published, {title}", *COLUMNS], rows))
    lines = [
        f"- {told}: {counted}"
        for reading, told in READINGS.items()
        if reading not in (PUBLISHED, Reading("vit", "everyone"))
        and (counted := verdict(found.gap(reading, PUBLISHED, domain) for domain in DOMAINS))
    ]
    if lines:
        text.append("AUC of the domains one by one, minus as published:\n\n" + "\n".join(lines))
    return "\n\n".join(
        [
            "Test pictures; differences are paired by seed.",
            *text,
            "The transformer differs from the residual network in more than its normalisation; its row does "
            "not say why it is better or worse. GroupNorm and the own BatchNorms change one thing.",
        ]
    )


def alone(found: Found) -> str:
    """Arms that learn together minus networks that learn alone."""
    text = []
    for score, title in SCORES.items():
        rows = [
            [READINGS[reading], *(shown(found.gap(reading, ALONE, domain, score)) for domain in PLACES)]
            for reading in TOGETHER
            if found.gap(reading, ALONE, None, score) is not None
        ]
        if rows:
            text.append(markdown_table([f"together minus alone, {title}, test", *COLUMNS], rows))
    if not text:
        return ""
    repaired = TOGETHER[1:]
    told = verdict(found.gap(reading, ALONE, domain) for reading in repaired for domain in DOMAINS)
    text.append(f"Four ways without collapse, five domains, AUC: {told}")
    rows = [
        [
            f"{READINGS[reading]} − alone, {title}",
            *(shown(found.gap(reading, other, domain)) for domain in SMALL),
        ]
        for reading in (Reading("shared", "domain"), Reading("mixed", "everyone"))
        for other, title in ((ALONE, "as many passes"), (LONG, "as many steps as all together"))
        if any(found.gap(reading, other, domain) is not None for domain in SMALL)
    ]
    if any(found.mean(LONG, domain) is not None for domain in SMALL):
        told = verdict(
            found.gap(reading, LONG, domain)
            for reading in (Reading("shared", "domain"), Reading("mixed", "everyone"))
            for domain in SMALL
        )
        text += [
            "A small domain alone has few steps in as many passes. Here the networks for the small domains "
            "had as many steps as the run on all five:",
            markdown_table(["AUC, test", *(TITLES[domain] for domain in SMALL)], rows),
            f"Against as many steps: {told} What seems a gain from other sets may be a gain from more steps.",
        ]
    return "\n\n".join(text)
