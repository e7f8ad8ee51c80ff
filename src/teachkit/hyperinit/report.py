"""What the hyper-initializer did to a network."""

from collections import Counter
from dataclasses import dataclass, field

HEAD = "the last layer belongs to the task"
DECODER = "the decoder belongs to the task"
POSITION = "numbers of a position keep their start"
TOKEN = "learned tokens keep their start"
FACTOR = "learned factors keep their start"
SLOPE = "slopes of an activation keep their start"
MEANT = (HEAD, DECODER, POSITION, TOKEN, FACTOR, SLOPE)  # these are no weights of a layer


@dataclass(frozen=True)
class Report:
    """Which tensors of a network got numbers.

    Attributes:
        network: its class.
        initialized: names of the tensors with new numbers.
        left_alone: names of the others, and why.
        seconds: for graph, numbers and copying.
    """

    network: str
    initialized: tuple[str, ...]
    left_alone: tuple[tuple[str, str], ...]
    seconds: float = field(compare=False)

    @property
    def unexpected(self) -> tuple[tuple[str, str], ...]:
        """What was left alone and belongs to a layer that is neither the last one nor in a decoder."""
        return tuple((name, why) for name, why in self.left_alone if why not in MEANT)

    @property
    def sentence(self) -> str:
        """In words, with the most frequent reason first."""
        total = len(self.initialized) + len(self.left_alone)
        said = f"{len(self.initialized)} of {total} tensors of {self.network} got numbers."
        if not self.left_alone:
            return said
        reasons = Counter(why.rstrip(".") for _, why in self.left_alone).most_common()
        return f"{said} Left alone: " + "; ".join(f"{count} ({why})" for why, count in reasons) + "."

    def __str__(self) -> str:
        return self.sentence
