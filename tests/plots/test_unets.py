from matplotlib.patches import FancyArrowPatch, Rectangle

from teachkit import plots

STAGES = {
    "image": (3, 64, 64),
    "down 1": (8, 64, 64),
    "down 2": (16, 32, 32),
    "up 1": (8, 64, 64),
    "classes": (2, 64, 64),
}


def test_boxes_are_to_scale_and_say_channels_and_edge():
    (axes,) = plots.u_shape(STAGES, title="A small U-Net").figure.axes
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    heights = [box.get_height() for box in boxes]
    assert [round(height / heights[0], 6) for height in heights] == [1, 1, 0.5, 1, 1]
    assert {text.get_text() for text in axes.texts} == {"2", "3", "8", "16", "32", "64"}


def test_arrows_go_from_map_to_map_and_once_across():
    (axes,) = plots.u_shape(STAGES).figure.axes
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == len(STAGES) - 1 + 1
    assert len({arrow.get_edgecolor() for arrow in arrows}) == 2


def test_the_alternative_text_names_every_map():
    assert "down 2 16 channels of 32×32" in plots.u_shape(STAGES).alt
