"""What a comparison of regression networks shows: residuals and bands of the first seed."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from teachkit import metrics
from teachkit.data.splits import Split
from teachkit.errors import SettingsError, UnknownNameError
from teachkit.training import Arm, Comparison, compare


def line() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 1))


@pytest.fixture
def found(make_split: Callable[..., Split], monkeypatch: pytest.MonkeyPatch) -> Comparison:
    monkeypatch.setenv("TEACHKIT_HEADLESS", "1")
    train, val, test = (make_split("regression", 40, split) for split in ("train", "val", "test"))
    arms = {
        name: Arm(line, train, val, test, steps=20, lr=1e-2, batch_size=20, device="cpu", loss=loss)
        for name, loss in (("squared", F.mse_loss), ("absolute", F.l1_loss))
    }
    return compare(arms, [0, 1], factor="loss")


def test_residuals_are_label_minus_the_first_seeds_prediction(found: Comparison) -> None:
    test = found.arms["squared"].test
    assert test is not None
    expected = test.labels[:, 0] - found.predictions["squared"][0][:, 0]
    np.testing.assert_allclose(found.residuals("squared"), expected, rtol=1e-6)
    np.testing.assert_allclose(found.residuals("squared", test), expected, atol=1e-5)
    assert np.abs(found.residuals("squared")).mean() == pytest.approx(
        found.values("squared", "mae")[0], rel=1e-5
    )


def test_a_margin_from_validation_rows_gives_bands_on_test_rows(found: Comparison) -> None:
    val = found.arms["squared"].val
    margin = metrics.conformal_margin(found.residuals("squared", val), 0.9)
    picture = found.plot_bands("squared", margin, rows=10)
    assert picture.alt.startswith("squared Toy, 8×8, test (n = 40).")
    assert "10 of 40 rows" in picture.alt
    assert "first seed" in picture.alt


def test_the_residual_picture_names_arm_and_set(found: Comparison) -> None:
    alt = found.plot_residuals("absolute").alt
    assert alt.startswith("absolute Toy, 8×8, test (n = 40).")
    assert f"Mean absolute error {found.values('absolute', 'mae')[0]:.3g}" in alt


def test_an_unknown_arm_is_told(found: Comparison) -> None:
    with pytest.raises(UnknownNameError, match="'squared'"):
        found.plot_residuals("square")


def test_classes_have_no_residuals(make_split: Callable[..., Split]) -> None:
    split = make_split()
    two = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    torch.nn.init.zeros_(two[1].weight)
    found = compare({"one": Arm(lambda: two, split, test=split, steps=1, device="cpu")}, [0], factor="lr")
    with pytest.raises(SettingsError, match="binary set"):
        found.plot_residuals("one")
