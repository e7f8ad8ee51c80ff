"""Losses and probabilities of the last layers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from teachkit.errors import UnknownNameError
from teachkit.mmpt.domains import Domain
from teachkit.mmpt.heads import ClassHead, Head, LabelHead, OrdinalHead, make_head


def domain(task: str, classes: int) -> Domain:
    return Domain("d", "d", "D", task, tuple(map(str, range(classes))))


@pytest.mark.parametrize(
    ("task", "ordinal", "kind", "outputs"),
    [
        ("binary", "cumulative", ClassHead, 2),
        ("multi-class", "cumulative", ClassHead, 5),
        ("multi-label", "cumulative", LabelHead, 5),
        ("ordinal", "cumulative", OrdinalHead, 4),
        ("ordinal", "cross-entropy", ClassHead, 5),
    ],
)
def test_each_task_has_its_head(task: str, ordinal: str, kind: type, outputs: int):
    head = make_head(domain(task, 2 if task == "binary" else 5), 7, ordinal)
    assert type(head) is kind
    assert isinstance(head, Head)
    assert head(torch.randn(3, 7)).shape == (3, outputs)


def test_an_unknown_ordinal_loss_is_named():
    with pytest.raises(UnknownNameError, match="cumulative"):
        make_head(domain("ordinal", 5), 7, "coral")


def test_losses_of_rows_average_to_those_of_torch():
    outputs = torch.randn(6, 4)
    classes, labels = torch.tensor([0, 1, 2, 3, 0, 1]), torch.randint(0, 2, (6, 4)).float()
    assert ClassHead(3, 4).row_losses(outputs, classes).mean() == pytest.approx(
        float(F.cross_entropy(outputs, classes))
    )
    assert LabelHead(3, 4).row_losses(outputs, labels).mean() == pytest.approx(
        float(F.binary_cross_entropy_with_logits(outputs, labels))
    )


def test_the_ordinal_loss_is_the_sum_of_one_question_for_each_threshold():
    head, features, targets = OrdinalHead(3, 4), torch.randn(5, 3), torch.tensor([0, 1, 2, 3, 2])
    outputs = head(features)
    by_hand = []
    for row, target in zip(outputs.tolist(), targets.tolist(), strict=True):
        chances = [1 / (1 + np.exp(-value)) for value in row]
        by_hand.append(-sum(np.log(p if target > k else 1 - p) for k, p in enumerate(chances)))
    assert head.row_losses(outputs, targets).tolist() == pytest.approx(by_hand, rel=1e-5)


@given(st.integers(2, 9), st.lists(st.floats(-30, 30), min_size=1, max_size=5), st.integers(0, 10**6))
def test_ordinal_probabilities_are_probabilities_whatever_was_learned(
    classes: int, scores: list[float], seed: int
):
    torch.manual_seed(seed)
    head = OrdinalHead(1, classes)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_(0, 4)
        found = head.probabilities(head(torch.tensor(scores).unsqueeze(1)))
    assert found.shape == (len(scores), classes)
    assert bool((found >= 0).all())
    assert found.sum(1).tolist() == pytest.approx([1.0] * len(scores), abs=1e-5)


def test_thresholds_start_evenly_from_minus_one_to_one():
    assert OrdinalHead(3, 5).thresholds.tolist() == pytest.approx([-1, -1 / 3, 1 / 3, 1], abs=1e-6)
    assert OrdinalHead(3, 2).thresholds.tolist() == [0]


def test_an_ordinal_head_learns_an_order():
    torch.manual_seed(0)
    x = torch.linspace(-2, 2, 60).unsqueeze(1)
    targets = torch.arange(60) // 15
    head = OrdinalHead(1, 4)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        head.row_losses(head(x), targets).mean().backward()
        optimizer.step()
    assert float((head.probabilities(head(x)).argmax(1) == targets).float().mean()) > 0.9
