"""The section of study 08 in docs/results.md: the collapse of one network for many sets, and its repairs."""

import numpy as np
from _estimates import BySeed, plural
from _grid import Grid, markdown_table
from _mmpt_arms import BATCH, DOMAINS, EPOCHS, MOST, SEEDS, TITLES
from _mmpt_choice import RATES, RESIDUAL, SEED, TRANSFORMER, chosen, mean_aucs
from _mmpt_control_tables import distance, forgetting, heads, luck
from _mmpt_found import PUBLISHED, READINGS, Found, Reading
from _mmpt_repair_tables import alone, repairs
from _mmpt_summary import summary

MISSING = "Not computed yet."


def section(grid: Grid) -> str:
    """The whole section, from whatever cells are there."""
    found = Found(grid)
    parts = {
        "In short": summary(found),
        "Learning rates, chosen on validation": rates(found),
        "The collapse: the same training pictures in two modes": collapse(found),
        "The course of the collapse": course(found),
        "Repairs": repairs(found),
        "Together or alone": alone(found),
        "How far is a domain from everyone?": distance(found),
        "Forgetting": forgetting(found),
        "Idle heads": heads(found),
        "The best of fifty equal models": luck(found),
    }
    told = [f"### {title}\n\n{text or MISSING}" for title, text in parts.items()]
    return "\n\n".join(["## 08 mm-PT", about(found), *told])


def about(found: Found) -> str:
    """Settings, and who looked at what."""
    train = ", ".join(f"{rows:,} of {TITLES[name]}" for name, rows in MOST["train"].items())
    return "\n".join(
        [
            "One network learns five sets at once, with a last layer (a head) for each. The thesis' "
            "ResNet-18 collapsed in this way, its transformer did not. This is the same procedure on a "
            "small scale: five sets instead of twelve, 28 pixels without padding, first weights by chance. "
            "Get it again with `TEACHKIT_DATA=/path/to/data make study 08`; one JSON file per run in "
            "`studies/results/08`.",
            "",
            "- Domains. Breast: BreastMNIST, 2 classes. Pneumonia: PneumoniaMNIST, 2 classes. Retina: "
            "RetinaMNIST, 5 ordered grades, colour. Digits: MNIST, 10 classes. Tissue patches: "
            "`ihc_contents`, 4 labels that may occur together, colour, cut from one slide (n = 1: no "
            "biomedical conclusion).",
            f"- Training pictures: {train}, and all of the others; evenly thinned, because the study runs on "
            f"one core. Test pictures: all official ones, {MOST['test']['mnist_t10k']:,} of the digits.",
            "- Network: `small_resnet`, three residual blocks. Transformer: `small_vit`, four layers. "
            f"{EPOCHS} passes over all pictures, batches of {BATCH}, AdamW with a cosine, last weights. Same "
            "seed: same first numbers of the body, alone or together.",
            "- *Statistics of everyone*: the running average of BatchNorm over all batches, in use as "
            "published. *Of the domain*: mean and variance of up to 256 training pictures of the domain, no "
            "labels, no training step. *Of the batch*: of up to 256 test pictures at hand.",
            "- *Alone*: a network for each domain, as many passes over it; so each picture is seen as often.",
            "- Who looked at what. Learning rates were chosen on validation pictures, with a seed of their "
            "own. A prototype before this study saw test pictures of all sets but the tissue patches, with "
            "the same finding.",
            f"- Intervals are 95 % t intervals over {len(SEEDS)} seeds. They say what another training run "
            "would change, not what other test pictures would.",
            "",
            f"Versions: {found.grid.versions_used() or 'no run yet'}.",
        ]
    )


def rates(found: Found) -> str:
    """Validation AUC by learning rate."""
    aucs = mean_aucs(found.grid)
    rows = [
        [READINGS[Reading(*place)], *(f"{by_rate[rate]:.3f}" if rate in by_rate else "–" for rate in RATES)]
        for place, by_rate in aucs.items()
        if by_rate
    ]
    if not rows:
        return ""
    text = [
        f"Seed {SEED} (used nowhere else), AUC on **validation** pictures, mean over the five domains.",
        markdown_table(["arm", *(f"rate {rate:g}" for rate in RATES)], rows),
    ]
    done = [all(len(aucs[place]) == len(RATES) for place in places) for places in (RESIDUAL, TRANSFORMER)]
    if done[0]:
        text.append(
            f"All arms with the residual network have the rate {chosen(found.grid):g}: the best mean of the "
            "recalibrated and the mixed one. One rate each would be a second difference between arms."
            + (f" The transformer has {chosen(found.grid, TRANSFORMER):g}." if done[1] else "")
        )
    return "\n\n".join(text)


def collapse(found: Found) -> str:
    """Loss of training pictures in training mode and in use, by domain; and of the other arms in the mean."""
    domain_rule = Reading("shared", "domain")
    if found.mean(PUBLISHED, None, part="train") is None:
        return ""
    rows = []
    for domain in (*DOMAINS, None):
        numbers = [
            found.train_mode("shared", domain),
            *(found.scores(reading, domain, "loss", "train") for reading in (PUBLISHED, domain_rule)),
            *(found.scores(reading, domain, "auc", "train") for reading in (PUBLISHED, domain_rule)),
        ]
        rows.append([TITLES[domain] if domain else "**mean**", *(f"{_mean(each):.3f}" for each in numbers)])
    header = [
        "one-domain batches", "loss, training mode", "loss in use, everyone", "loss in use, domain",
        "AUC in use, everyone", "AUC in use, domain",
    ]  # fmt: skip
    others = []
    for reading, title in READINGS.items():
        if reading.rule == "batch" or reading in (PUBLISHED, domain_rule):
            continue
        if losses := found.scores(reading, None, "loss", "train"):
            training = _mean(found.train_mode(reading.arm, None))
            others.append(
                [title, f"{training:.3f}", f"{_mean(losses):.3f}", f"{_mean(losses) / training:.1f}"]
            )
    training, use = _mean(found.train_mode("shared", None)), found.scores(PUBLISHED, None, "loss", "train")
    text = [
        "Weights, pictures and labels are the same in each row; all pictures are **training** pictures. "
        f"Training mode: one more pass without learning, batches drawn as in training. Means over "
        f"{plural(len(use))}.",
        markdown_table(header, rows),
        f"In use the mean loss of pictures that were learned from is {_mean(use):.2f} instead of "
        f"{training:.2f}, {_mean(use) / training:.1f} times as high. Overfitting cannot do this: no picture "
        "is new. Only the statistics differ, and those of the domain bring the loss to "
        f"{_mean(found.scores(domain_rule, None, 'loss', 'train')):.2f}.",
    ]
    if others:
        text += [
            markdown_table(
                ["other arms, mean of domains", "loss, training mode", "loss in use", "ratio"], others
            ),
            "A ratio near 1 means that training and use are the same function. GroupNorm and LayerNorm have "
            "it by construction. Recalibration of mixed batches takes it away: mixed batches were learned "
            "from with the statistics of everyone.",
        ]
    return "\n\n".join(text)


def course(found: Found) -> str:
    """Validation loss and AUC of the published procedure after each pass."""
    runs = [values for seed in SEEDS if (values := found.values(f"shared_{seed}")) is not None]
    if not runs:
        return ""
    by_pass = {
        what: np.array(
            [[run["val"][domain][what] for domain in DOMAINS] for run in runs]
        )  # [runs, domains, passes]
        for what in ("loss", "auc")
    }
    rows = [
        [
            str(number + 1),
            f"{by_pass['loss'][:, :, number].mean():.2f}",
            f"{by_pass['loss'][:, :, number].mean(axis=1).min():.2f} to "
            f"{by_pass['loss'][:, :, number].mean(axis=1).max():.2f}",
            f"{by_pass['auc'][:, :, number].mean():.3f}",
        ]
        for number in range(EPOCHS)
    ]
    lowest = by_pass["loss"].mean(axis=1).argmin(axis=1) + 1
    return "\n\n".join(
        [
            "One-domain batches, statistics of everyone, validation pictures, mean over domains and "
            f"{plural(len(runs))}.",
            markdown_table(["pass", "loss", "lowest and highest seed", "AUC"], rows),
            f"Lowest after pass {', '.join(map(str, lowest))} of {EPOCHS} (seed by seed). The thesis stopped "
            "by this loss, and kept the weights that had it.",
        ]
    )


def _mean(by_seed: BySeed) -> float:
    return float(np.mean(list(by_seed.values())))
