import numpy as np
import pytest
from PIL import Image

from teachkit.errors import FormatError
from teachkit.plots import animate


@pytest.fixture
def frames():
    """A bright row that moves down: 8 frames [8, 8, 8]."""
    return (255 * np.eye(8)[:, :, None] * np.ones(8)).astype(np.uint8)


def test_a_moving_picture_stops_by_itself_within_five_seconds(frames, tmp_path):
    shown = animate(frames, [f"row {i}" for i in range(8)], tmp_path / "a.gif", seconds=60)
    with Image.open(shown.path) as gif:
        runs = 1 + gif.info["loop"]
        assert gif.n_frames == 8
        assert runs * 8 * gif.info["duration"] <= 5000


def test_print_and_readers_who_want_no_motion_get_the_still_frames(frames, tmp_path):
    shown = animate(frames, [f"row {i}" for i in range(8)], tmp_path / "a.gif", title="Rows", stills=3)
    assert 'media="print, (prefers-reduced-motion: reduce)" srcset="data:image/png' in shown.html
    assert shown.html.count("<img") == 1
    assert f'alt="{shown.alt}"' in shown.html
    assert "Titles: row 0; row 4; row 7" in shown.alt


def test_it_is_shown_as_moving_and_as_still_picture(frames, tmp_path, monkeypatch):
    displayed = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    shown = animate(frames, ["row"] * 8, tmp_path / "a.gif")
    shown._ipython_display_()
    assert displayed[1] is shown.picture
    assert "image/gif" in displayed[0].data


def test_nothing_is_left_behind_when_writing_fails(frames, tmp_path, monkeypatch):
    def broken(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr("imageio.v3.imwrite", broken)
    with pytest.raises(OSError, match="disk full"):
        animate(frames, ["row"] * 8, tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("count", "titles"), [(0, 0), (8, 7)])
def test_frames_and_titles_must_belong_together(frames, tmp_path, count, titles):
    with pytest.raises(FormatError, match=f"{count} frames and {titles} titles"):
        animate(frames[:count], ["row"] * titles, tmp_path / "a.gif")
