import numpy as np
import pytest
from scipy import stats

from teachkit import plots
from teachkit.errors import FormatError

ARMS = {"a": [0.80, 0.82, 0.84], "b": [0.85, 0.88, 0.87]}


def test_the_curve_is_the_mean_and_the_band_is_scipys_t_interval():
    runs = np.random.default_rng(0).normal(size=(4, 6))
    axes = plots.curves({"arm": runs}).figure.axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), runs.mean(0))
    low, high = stats.t.interval(0.95, 3, runs.mean(0), stats.sem(runs))
    corners = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert corners.min() == pytest.approx(low.min())
    assert corners.max() == pytest.approx(high.max())


def test_one_seed_gives_a_line_without_a_band():
    picture = plots.curves({"arm": [[1.0, 2.0]]})
    assert not picture.figure.axes[0].collections
    assert "One run." in picture.alt


def test_a_long_title_is_broken_so_that_it_fits_the_figure():
    title = "small ResNet, Nuclei (BBBC038), single objects, 64×64, train (n = 1,880; 48 pictures), 5 seeds"
    picture = plots.curves({"arm": [[1.0, 2.0]]}, title=title)
    drawn = picture.figure.get_suptitle()
    assert drawn.split() == title.split()
    picture.figure.draw_without_rendering()
    box = picture.figure._suptitle.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= picture.figure.bbox.width


def test_runs_of_unequal_length_are_refused():
    with pytest.raises(FormatError, match=r"'arm' have \[1, 2\]"):
        plots.curves({"arm": [[1.0], [1.0, 2.0]]})


def test_an_axis_of_another_length_is_refused():
    with pytest.raises(FormatError, match="2 points, but there are 3"):
        plots.curves({"arm": [[1.0, 2.0]]}, x=[1, 2, 3])


def test_differences_are_paired_and_drawn_against_zero():
    picture = plots.intervals(ARMS)
    left, right = picture.figure.axes
    assert len(left.get_yticks()) == 2
    assert [line.get_xdata()[0] for line in right.lines if list(line.get_xdata()) == [0, 0]] == [0]
    gap = np.subtract(ARMS["b"], ARMS["a"])
    low, high = stats.t.interval(0.95, 2, gap.mean(), stats.sem(gap))
    bars = [sorted(line.get_xdata()) for line in right.lines if len(line.get_xdata()) == 2]
    assert any(np.allclose(bar, (low, high)) for bar in bars)
    assert f"b minus a 0.047 (95 % interval {low:.3f} to {high:.3f}), zero outside" in picture.alt


def test_a_difference_around_zero_is_said_to_contain_it():
    assert "zero inside" in plots.intervals({"a": [0.8, 0.9, 0.7], "b": [0.9, 0.8, 0.75]}).alt


def test_without_pairs_there_is_one_panel():
    assert len(plots.intervals(ARMS, pairs=False).figure.axes) == 1


def test_arms_with_different_seeds_cannot_be_paired():
    with pytest.raises(FormatError):
        plots.intervals({"a": [0.8, 0.9], "b": [0.9]})


def test_no_arm_is_refused():
    with pytest.raises(FormatError, match="no arm"):
        plots.intervals({})
