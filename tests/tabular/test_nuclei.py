"""The ruler measures discs and ellipses whose size is known."""

import numpy as np
import pytest

from teachkit import data, tabular
from teachkit.errors import FormatError


def ellipse(height, width, size=64, centre=(32, 32)):
    y, x = np.mgrid[:size, :size]
    return ((y - centre[0]) / height) ** 2 + ((x - centre[1]) / width) ** 2 <= 1


def grey(shape, inside=180, outside=40):
    noise = np.random.default_rng(0).normal(0, 6, shape.shape)
    return np.clip(np.where(shape, inside, outside) + noise, 0, 255).astype(np.uint8)


def test_a_disc_and_an_ellipse_are_measured():
    round_one, long_one = ellipse(10, 10), ellipse(6, 18)
    found = tabular.features(np.stack([grey(round_one), grey(long_one)]))
    assert found["area"].tolist() == pytest.approx([round_one.sum(), long_one.sum()], rel=0.05)
    assert found.loc[1, ["length", "width"]].tolist() == pytest.approx([36, 12], rel=0.06)
    assert found.loc[0, "eccentricity"] < 0.3 < 0.9 < found.loc[1, "eccentricity"]
    assert (found["solidity"] > 0.9).all()


def test_dark_nuclei_on_a_bright_ground_are_measured_too():
    disc = ellipse(9, 9)
    found = tabular.features(np.stack([grey(disc), grey(disc, 60, 210)]))
    assert found["bright"].tolist() == [1, 0]
    assert found["area"].tolist() == pytest.approx([disc.sum()] * 2, rel=0.06)


def test_of_two_nuclei_the_central_one_is_measured_even_when_they_touch():
    middle, neighbour = ellipse(9, 9), ellipse(9, 9, centre=(32, 49))
    found = tabular.features(grey(middle | neighbour)[None])
    assert found.loc[0, "area"] == pytest.approx(middle.sum(), rel=0.1)


def test_the_mean_of_the_colours_is_used():
    picture = grey(ellipse(8, 8))
    colour = np.repeat(picture[..., None], 3, axis=2)
    assert tabular.features(colour[None]).equals(tabular.features(picture[None]))


def test_an_even_picture_has_no_nucleus():
    found = tabular.features(np.full((1, 20, 20), 7, np.uint8)).loc[0]
    assert found["area"] == 0
    assert found["mean"] == 7
    assert np.isfinite(found).all()


def test_pictures_may_differ_in_size():
    found = tabular.features([grey(ellipse(6, 6)), grey(ellipse(6, 6, 40, (20, 20)))])
    assert found["area"].tolist() == pytest.approx([ellipse(6, 6).sum()] * 2, rel=0.1)


def test_a_picture_that_is_neither_grey_nor_colour_is_named():
    with pytest.raises(FormatError, match=r"Picture 0 has shape \(5, 5, 2\)"):
        tabular.features(np.zeros((1, 5, 5, 2), np.uint8))
    with pytest.raises(FormatError, match="no picture"):
        tabular.features([])


@pytest.mark.real_data
def test_on_real_nuclei_the_blob_says_more_than_the_mean_area(real_data, monkeypatch, isolated):
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    nuclei = data.load("nuclei", "test").objects(64).sample(150)
    labels = nuclei.labels[:, 0]
    area = tabular.features(nuclei.images)["area"]
    assert np.corrcoef(area, labels)[0, 1] > 0.5
    assert np.median(np.abs(area - labels)) < np.median(np.abs(labels - labels.mean()))
