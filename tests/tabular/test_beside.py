"""Boxes of other people's numbers beside those of the splits."""

import numpy as np
from sklearn.dummy import DummyRegressor

from teachkit.tabular import repeat_splits


def test_lists_from_elsewhere_are_drawn_below_and_get_no_interval():
    rng = np.random.default_rng(0)
    splits = repeat_splits(
        {"mean": DummyRegressor()}, rng.normal(size=(30, 2)), rng.normal(size=30), repeats=5
    )
    picture = splits.plot(beside={"as published": [0.25, 0.5, 0.75]})
    names = [text.get_text() for text in picture.figure.axes[0].get_yticklabels()]
    assert names == ["mean", "as published"]
    assert "as published median 0.5, middle half 0.375 to 0.625" in picture.alt
    assert picture.alt.count("with interval") == 1
