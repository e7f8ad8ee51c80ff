"""The kinds of operations in a network: word, colour and meaning."""

from dataclasses import dataclass

LEARNED, CHANNELWISE, SCALED, JOINED, POOLED, OTHER = (
    "#9CC9E8",
    "#CBE3F3",
    "#F5CF8A",
    "#8FD0B9",
    "#E3B8CF",
    "#E6E6E6",
)


@dataclass(frozen=True)
class Kind:
    """How an operation is drawn: a word in its box, the colour of its group, and its meaning."""

    word: str
    colour: str
    meaning: str

    @property
    def name(self) -> str:
        return self.word if self.word == self.meaning else f"{self.word}: {self.meaning}"


KINDS = {
    "conv": Kind("conv", LEARNED, "convolution, linear layer"),
    "sep_conv": Kind("sep", CHANNELWISE, "convolution by groups of channels"),
    "dil_conv": Kind("dil", CHANNELWISE, "the same with gaps (dilated)"),
    "bias": Kind("bias", SCALED, "bias"),
    "bn": Kind("bn", SCALED, "BatchNorm"),
    "ln": Kind("ln", SCALED, "LayerNorm, GroupNorm"),
    "pos_enc": Kind("pos", SCALED, "position"),
    "sum": Kind("sum", JOINED, "sum"),
    "concat": Kind("concat", JOINED, "channels side by side"),
    "cse": Kind("times", JOINED, "product (squeeze-excite)"),
    "msa": Kind("att", JOINED, "attention"),
    "max_pool": Kind("max", POOLED, "maximum of places"),
    "avg_pool": Kind("avg", POOLED, "average of places"),
    "glob_avg": Kind("mean", POOLED, "average of the whole map"),
    "input": Kind("input", OTHER, "input"),
    "activation": Kind("act", OTHER, "activation"),
}


@dataclass(frozen=True)
class Operation:
    """A node: its kind, one of `KINDS`; lines of detail; the longest path to it, in edges."""

    kind: str
    detail: tuple[str, ...]
    level: int
