from matplotlib.patches import Rectangle

from teachkit import plots

STAGES = {"image": (3, 32, 32), "stage 1": (16, 16, 16), "last map": (64, 4, 4)}


def test_every_stage_is_drawn_to_scale_and_named_with_its_shape():
    picture = plots.residual_network(STAGES, title="A small network")
    _, right = picture.figure.axes
    squares = [patch for patch in right.patches if isinstance(patch, Rectangle)][::2]
    heights = [square.get_height() for square in squares]
    assert [round(height / heights[0], 6) for height in heights] == [1, 0.5, 0.125]
    assert {text.get_text() for text in right.texts} >= {"3", "16", "64", "16×16", "stage\n1"}
    assert "stage 1 16 channels of 16×16" in picture.alt


def test_the_block_says_that_input_and_output_are_added():
    left, _ = plots.residual_network(STAGES).figure.axes
    assert "x + f(x)" in {text.get_text() for text in left.texts}
