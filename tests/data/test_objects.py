"""Single objects: whole ones only, each in the middle of its crop, areas counted in pixels."""

from pathlib import Path

import numpy as np
import pytest
from skimage.measure import regionprops

from teachkit.data import Info, Split, load
from teachkit.errors import FormatError, SettingsError

INFO = Info("made", "Made", "segmentation", ("background", "cell"), None, "", True, "", "", instances=True)


def split_of(*masks: np.ndarray) -> Split:
    """Pictures that repeat their own masks, so that a crop shows which object it holds."""
    images = [np.repeat(mask[..., None] * 10, 3, axis=2).astype(np.uint8) for mask in masks]
    return Split(images, np.zeros((len(masks), 0), int), INFO, "test", None, masks=list(masks))


@pytest.fixture
def cells() -> Split:
    """Two pictures: a square of 9 and a bar of 5 pixels; then one at the edge, a long one, and one of 4."""
    first, second = np.zeros((12, 14), np.int32), np.zeros((20, 30), np.int32)
    first[1:4, 1:4], first[6, 5:10] = 1, 2
    second[0:3, 4:6], second[10, 3:25], second[14:16, 20:22] = 1, 2, 4  # 3 is nobody
    return split_of(first, second)


def test_labels_are_areas_and_rows_say_where_each_object_lies(cells: Split) -> None:
    found = cells.objects(size=8, margin=1)
    assert found.info.task == "regression"
    assert (found.info.unit, found.size, found.labels.dtype) == ("px", 8, np.float32)
    assert found.labels[:, 0].tolist() == [9, 5, 4]
    assert found.table is not None
    assert found.table.to_numpy().tolist() == [[0, 2, 2, 3, 3], [0, 6, 7, 1, 5], [1, 15, 21, 2, 2]]
    assert found.groups is not None
    assert found.groups.tolist() == [0, 0, 1]
    assert "2 of 5 objects left out" in found.info.rule


def test_every_crop_holds_its_whole_object_and_its_mask_leaves_out_neighbours(cells: Split) -> None:
    found = cells.objects(size=8, margin=0)
    assert found.images is not None
    for image, mask, area, own in zip(
        found.images, found.masks, found.labels[:, 0], (10, 20, 40), strict=True
    ):
        assert image.shape == (8, 8, 3)
        assert mask.sum() == area
        assert ((image[..., 0] == own) >= mask.astype(bool)).all()
        assert set(np.unique(mask)) == {0, 1}


def test_a_crop_over_the_edge_is_mirrored_and_the_mirror_counts_no_area(cells: Split) -> None:
    found = cells.objects(size=10, margin=0)[0]
    assert found.images is not None
    assert (found.images[0][..., 0] == 10).sum() > 9  # the square and part of its reflection
    assert found.labels[0, 0] == 9


def test_masks_that_name_classes_are_refused(cells: Split) -> None:
    named = cells.replace(info=Info("m", "Made", "segmentation", ("a", "b"), None, "", True, "", ""))
    with pytest.raises(SettingsError, match="no masks that number single objects"):
        named.objects()


def test_crops_without_room_are_refused(cells: Split) -> None:
    with pytest.raises(SettingsError, match="leave no room"):
        cells.objects(size=8, margin=4)
    with pytest.raises(FormatError, match="None of the 5 objects"):
        cells.objects(size=1, margin=0)


@pytest.mark.real_data
def test_areas_of_real_nuclei_equal_those_of_scikit_image(
    real_data: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEACHKIT_DATA", str(real_data))
    pictures = load("nuclei", "test")
    found = pictures.objects(64)
    for number, mask in enumerate(pictures.masks or []):
        height, width = mask.shape
        whole = [
            region.area
            for region in regionprops(mask)
            if min(region.bbox[:2]) > 0 and region.bbox[2] < height and region.bbox[3] < width
            if max(region.bbox[2] - region.bbox[0], region.bbox[3] - region.bbox[1]) <= 60
        ]
        assert found.labels[found.groups == number, 0].tolist() == whole
