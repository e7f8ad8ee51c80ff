import numpy as np
import pytest

from teachkit import plots
from teachkit.errors import FormatError


def bowl(a, b):
    return a**2 + 2 * b**2


def test_the_path_is_drawn_and_its_losses_beside_it():
    path = [(2.0, 1.0), (1.0, 0.5), (0.5, 0.0)]
    picture = plots.descent(path, bowl)
    chart, curve = picture.figure.axes[:2]
    np.testing.assert_array_equal(np.column_stack(chart.lines[0].get_data()), path)
    np.testing.assert_array_equal(curve.lines[0].get_ydata(), [6, 1.5, 0.25])
    assert "2 steps of gradient descent lead from (2.00, 1.00) to (0.50, 0.00)" in picture.alt
    assert "from 6.000 to 0.250" in picture.alt


def test_a_walk_that_ran_away_is_refused_with_a_remedy():
    with pytest.raises(FormatError, match="smaller step"):
        plots.descent([(0.0, 1.0), (np.nan, np.inf)], bowl)


def test_three_weights_cannot_be_drawn():
    with pytest.raises(FormatError, match=r"shape \(4, 3\)"):
        plots.descent(np.zeros((4, 3)), bowl)
