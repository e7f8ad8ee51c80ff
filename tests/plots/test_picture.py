import base64
import io
import re
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from PIL import Image

from teachkit import plots
from teachkit.plots.picture import COLOURS, STYLE, is_headless, sentences


@pytest.fixture
def picture():
    return plots.curves({"one arm": [[0.5, 0.6]]}, title='A "title" with <marks>')


def test_every_reader_finds_one_picture_and_its_words(picture):
    data, metadata = picture._repr_mimebundle_()
    assert data["text/html"].count("<img") == 1
    assert data["text/plain"] == metadata["image/png"]["alt"] == picture.alt
    html_png = re.search(r"base64,([^\"]+)", data["text/html"])[1]
    assert html_png == data["image/png"]
    assert Image.open(io.BytesIO(base64.b64decode(html_png))).format == "PNG"


def test_alternative_text_is_escaped_in_html(picture):
    assert 'alt="A &quot;title&quot; with &lt;marks&gt;.' in picture.html


def test_drawing_leaves_no_pyplot_figure_that_a_backend_would_show_again(picture):
    assert plt.get_fignums() == []


def test_save_writes_the_same_bytes_each_time_and_returns_the_path(picture, tmp_path):
    path = picture.save(tmp_path / "figures" / "curves.png")
    again = plots.curves({"one arm": [[0.5, 0.6]]}, title='A "title" with <marks>')
    assert path.read_bytes() == picture.png == again.png


def test_a_notebooks_own_style_changes_nothing(picture):
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        styled = plots.curves({"one arm": [[0.5, 0.6]]}, title='A "title" with <marks>')
        assert mpl.rcParams["font.size"] == 30
    assert styled.png == picture.png


def test_no_words_are_smaller_than_nine_points():
    assert min(value for key, value in STYLE.items() if key.endswith("size")) >= 9


def test_every_two_colours_stay_apart_for_readers_who_confuse_red_and_green():
    """Simulated deuteranopia and protanopia (Machado et al., 2009), distance in CIELAB."""
    from skimage.color import rgb2lab

    deuteranopia = [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
    protanopia = [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]
    rgb = np.array([mpl.colors.to_rgb(colour) for colour in COLOURS])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    for eyes in (deuteranopia, protanopia):
        seen = np.clip(linear @ np.array(eyes).T, 0, 1)
        lab = rgb2lab(np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055))
        for a, b in combinations(range(4), 2):  # arms in one figure are rarely more than four
            assert np.linalg.norm(lab[a] - lab[b]) > 15, (COLOURS[a], COLOURS[b])


def test_an_exported_notebook_shows_each_figure_once_with_its_words(tmp_path):
    from nbconvert import HTMLExporter
    from nbconvert.preprocessors import ExecutePreprocessor

    cell = "from teachkit import plots\nplots.explore_threshold([0, 1, 0, 1], [0.1, 0.9, 0.4, 0.6])"
    last = "plots.curves({'arm': [[0.5, 0.75]]}, ylabel='AUC')"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell), nbformat.v4.new_code_cell(last)])
    ExecutePreprocessor(timeout=120).preprocess(book, {"metadata": {"path": str(tmp_path)}})
    page, _ = HTMLExporter().from_notebook_node(book)
    found = re.findall(r"<img[^>]*alt=\"([^\"]*)\"", page)
    assert len(found) == 2
    assert found[0].startswith("Threshold 0.20: sensitivity 1.000")
    assert "arm goes from 0.500 to 0.750" in found[1]
    assert len(re.findall(r"<img[^>]*src=\"data:image/png", page)) == 2


def test_headless_is_chosen_by_the_environment_or_the_lack_of_a_kernel(monkeypatch):
    assert is_headless()
    monkeypatch.delenv("TEACHKIT_HEADLESS")
    assert is_headless()  # pytest has no kernel


def test_with_a_kernel_around_the_reader_may_move_sliders(monkeypatch):
    monkeypatch.delenv("TEACHKIT_HEADLESS")
    shell = type("Shell", (), {"kernel": object()})()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert not is_headless()


def test_sentences_skip_what_is_empty_and_end_with_one_stop():
    assert sentences("", "One", "Two?", "Three.") == "One. Two? Three."
