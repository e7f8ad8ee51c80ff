"""Clouds of points: each panel says how closely a column follows the target."""

import numpy as np
import pytest

from teachkit.errors import FormatError
from teachkit.plots import clouds

RNG = np.random.default_rng(0)
TARGET = RNG.normal(size=50)


def test_correlations_are_those_of_numpy_in_titles_and_alt_text():
    noisy = TARGET + RNG.normal(size=50)
    picture = clouds({"same": 2 * TARGET + 1, "noisy": noisy}, TARGET, label="target (µm)", title="Toy")
    r = np.corrcoef(noisy, TARGET)[0, 1]
    assert [axes.get_title() for axes in picture.figure.axes] == ["r = 1.000", f"r = {r:.3f}"]
    assert f"same 1.000, noisy {r:.3f}" in picture.alt
    assert "50 rows" in picture.alt


def test_every_row_is_a_dot_and_the_target_is_the_shared_vertical_axis():
    picture = clouds({"a": TARGET, "b": -TARGET}, TARGET, label="target (µm)")
    for axes in picture.figure.axes:
        (line,) = axes.lines
        assert np.array_equal(line.get_ydata(), TARGET)
    assert picture.figure.axes[0].get_ylabel() == "target (µm)"


def test_a_column_without_variation_has_no_correlation():
    assert "flat nan" in clouds({"flat": np.ones(50)}, TARGET, label="target").alt


@pytest.mark.parametrize(("columns", "said"), [({}, "no column"), ({"short": [1.0, 2.0]}, "short")])
def test_what_cannot_be_drawn_is_named(columns, said):
    with pytest.raises(FormatError, match=said):
        clouds(columns, TARGET, label="target")
