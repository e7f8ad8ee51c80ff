"""How large the numbers of each layer are."""

import pytest

from teachkit import plots

SPREADS = {"Kaiming": [1.0, 1.1, 0.9], "predicted": [0.1, 0.2, 0.05]}


def test_each_way_is_a_line_over_the_layers_on_a_logarithmic_axis():
    axes = plots.layer_spreads(["1→8", "8→8", "8→2"], SPREADS).figure.axes[0]
    lines = {line.get_label(): list(line.get_ydata()) for line in axes.lines if len(line.get_ydata()) == 3}
    assert lines == SPREADS
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    assert low < 0.05
    assert high > 1.1


def test_the_words_give_the_median_of_each_way():
    alt = plots.layer_spreads(["1→8", "8→8", "8→2"], SPREADS, title="Net", note="One draw.").alt
    assert alt == "Net. Median over 3 layers: Kaiming 1.00; predicted 0.10. One draw."


@pytest.mark.parametrize(("count", "named"), [(20, True), (21, False)])
def test_many_layers_are_not_named_one_by_one(count, named):
    names = [f"layer {place}" for place in range(count)]
    axes = plots.layer_spreads(names, {"Kaiming": [1.0] * count}).figure.axes[0]
    assert (axes.get_xticklabels()[0].get_text() == "layer 0") is named
