import numpy as np
import pytest

from teachkit.errors import FormatError
from teachkit.plots.map_courses import map_courses

PICTURES = np.zeros((2, 6, 6), np.uint8)
COLUMNS = {
    "Kaiming\nstart": np.full((2, 6, 6), -0.5),
    "trained\nepoch 1": np.stack([np.ones((6, 6)), -np.ones((6, 6))]),
}


def test_every_picture_has_a_row_and_every_column_a_title():
    axes = map_courses(PICTURES, ["cat", "dog"], COLUMNS, title="Toy").figure.axes[:6]
    assert [panel.get_title() for panel in axes[:3]] == ["image", *COLUMNS]
    assert [axes[0].get_ylabel(), axes[3].get_ylabel()] == ["cat", "dog"]
    assert [len(panel.images) for panel in axes] == [1, 2, 2] * 2  # the plain picture has no map


def test_maps_share_one_scale_and_its_middle_is_transparent():
    axes = map_courses(PICTURES, ["cat", "dog"], COLUMNS | {"flat": np.zeros((2, 6, 6))}).figure.axes
    heats = [panel.images[1] for panel in axes[1:4]]
    assert {heat.get_clim() for heat in heats} == {(-1, 1)}
    assert np.max(heats[2].get_alpha()) == 0
    assert np.min(heats[0].get_alpha()) > 0


def test_the_alt_text_says_how_much_speaks_for_the_class():
    said = map_courses(PICTURES, ["cat", "dog"], COLUMNS, title="Toy", note="none chosen").alt
    assert "2 images in rows (cat, dog), each with 2 heat maps" in said
    assert "Kaiming, start 0%; trained, epoch 1 50%" in said


@pytest.mark.parametrize("columns", [{}, {"small": np.zeros((2, 3, 3))}])
def test_maps_that_do_not_fit_are_refused(columns):
    with pytest.raises(FormatError, match="do not fit"):
        map_courses(PICTURES, ["cat", "dog"], columns)
