"""What a reader must know before the tables of study 07."""

from _hyperinit_arms import CURVE_STEPS, INPUTS, INTENSITY, LR, NETS
from _hyperinit_choice import CHOICE_SEEDS, PUBLISHED
from _hyperinit_down import DRAWS, EPOCHS, FEW_DRAWS, LABELS, OWN_STEPS, RATES
from _hyperinit_found import Found


def about(found: Found) -> str:
    """Settings, and who looked at what."""
    rates = ", ".join(f"{rate:g}" for rate in RATES)
    epochs = ", ".join(map(str, EPOCHS))
    choice = found.choice
    picked = (
        "not chosen yet"
        if choice is None
        else f"{choice.pretext}, {choice.families} families, {choice.steps:,} steps"
    )
    return "\n".join(
        [
            "A hyper-initializer is trained without labels, and predicts first weights for networks that it "
            "never saw. Get it again with `TEACHKIT_DATA=/path/to/data make study 07`; one JSON file per run "
            "in `studies/results/07`. Pictures of 28 pixels, small networks.",
            "",
            "- Starts. *Kaiming*: random. *Untrained*: predicted by a hyper-initializer before its training. "
            f"*As published*: rotation, families {PUBLISHED.families}, {PUBLISHED.steps:,} steps. *Chosen*: "
            f"what validation chose ({picked}). *Shuffled*: the chosen numbers, in a random order within "
            "each tensor. *Long run*: SimCLR, seven families, "
            f"{max(CURVE_STEPS):,} steps on PneumoniaMNIST, also used for BreastMNIST. *Own*: the network "
            f"itself, {OWN_STEPS} steps of the same task from Kaiming.",
            "- Last layer, labelled pictures, order of batches and the pictures for BatchNorm's statistics "
            "are the same for all starts of a draw. The statistics are computed anew before every scoring.",
            f"- Pre-training: AdamW, rate {LR:g}, warm-up and cosine, {NETS} networks a step; rotation with "
            f"{INPUTS['rotation']} inputs a network, SimCLR with {INPUTS['simclr']}, brightness and contrast "
            f"changed by up to ±{INTENSITY:.0%}. One hyper-initializer for each set, on its training "
            "pictures.",
            f"- Downstream: {LABELS} labelled pictures a class, SGD with momentum and cosine, batches of 16, "
            f"{max(EPOCHS)} epochs, tested after {epochs}. Rates {rates}; each start of each network has the "
            "one with the best mean AUC on validation pictures. The linear probe is a logistic regression "
            "on frozen features.",
            "- Who looked at what. Task, families and steps were chosen on validation pictures of "
            "PneumoniaMNIST. Its test pictures, those of BreastMNIST and the digits were seen by a prototype "
            "before this study; those of RetinaMNIST were not. How much two views differ in brightness was "
            "set on PneumoniaMNIST too: with ±40 % the task was not learned.",
            f"- Intervals are 95 % t intervals over {len(DRAWS)} draws of labelled pictures and of first "
            f"numbers; {len(FEW_DRAWS)} where the network itself is pre-trained. Starts come from "
            f"{_runs(len(CHOICE_SEEDS))} of each pre-training, so these intervals hold for these "
            "hyper-initializers, and say nothing of a pre-training with another seed.",
            "",
            f"Versions: {found.grid.versions_used()}.",
        ]
    )


def _runs(count: int) -> str:
    return "one run" if count == 1 else f"{count} runs"
