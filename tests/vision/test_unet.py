import numpy as np
import pytest
import torch
import torch.nn.functional as F

from teachkit import training
from teachkit.data.splits import Info, Split
from teachkit.errors import FormatError, SettingsError
from teachkit.vision import UNet


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.fixture
def squares():
    """Sixteen noisy pictures of 24 pixels with one bright square each, and its mask."""
    rng = np.random.default_rng(0)
    masks = np.zeros((16, 24, 24), np.uint8)
    for mask, (row, column) in zip(masks, rng.integers(0, 14, (16, 2)), strict=True):
        mask[row : row + 10, column : column + 10] = 1
    images = (masks * 120 + rng.integers(0, 100, masks.shape)).astype(np.uint8)
    info = Info("squares", "Squares", "segmentation", ("no", "yes"), 1, "CC0", True, "", "made in the test")
    return Split(images, np.zeros((16, 1), np.int64), info, "train", 24, masks=masks)


def test_the_published_network_has_7783108_parameters():
    assert count(UNet(3, 4)) == 7_783_108


@pytest.mark.parametrize(
    ("depth", "base", "channels", "classes"), [(0, 5, 1, 2), (1, 8, 3, 2), (4, 16, 1, 3)]
)
def test_parameters_follow_from_depth_and_width(depth, base, channels, classes):
    def double(a, b):
        return (9 * a + 1) * b + (9 * b + 1) * b

    widths = [base * 2**level for level in range(depth + 1)]
    down = sum(double(a, b) for a, b in zip([channels, *widths], widths, strict=False))
    up = sum(double(2 * b + b, b) for b in widths[:-1])  # nearest: the coarse map keeps its 2 b channels
    assert count(UNet(channels, classes, depth=depth, base_width=base)) == down + up + (base + 1) * classes


@pytest.mark.parametrize("norm", [None, "batch", "group", "instance"])
@pytest.mark.parametrize("up", ["nearest", "bilinear", "transposed"])
def test_the_answer_is_as_large_as_the_image_whatever_its_size(norm, up):
    model = UNet(1, 3, depth=2, base_width=4, norm=norm, up=up).train()
    for size in ((1, 1), (2, 7), (5, 17), (24, 16)):
        assert model(torch.rand(1, 1, *size)).shape == (1, 3, *size)


def test_the_network_equals_the_same_steps_written_out():
    torch.manual_seed(0)
    model = UNet(3, 2, depth=1, base_width=4)
    x = torch.rand(2, 3, 8, 12)

    def twice(value, block):
        for part in (block.convolution1, block.convolution2):
            value = F.relu(F.conv2d(value, part.weight, part.bias, padding=1))
        return value

    fine = twice(x, model.encoder.levels[0])
    coarse = twice(F.max_pool2d(fine, 2), model.encoder.levels[1])
    enlarged = coarse.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    joined = twice(torch.cat([enlarged, fine], 1), model.decoder.steps[0].convolve)
    expected = F.conv2d(joined, model.head.weight, model.head.bias)
    torch.testing.assert_close(model(x), expected, rtol=1e-5, atol=1e-6)


def test_rows_and_columns_that_are_missing_are_mirrored_and_cut_off_again():
    model = UNet(1, 2, depth=2, base_width=4).eval()
    x = torch.rand(1, 1, 13, 18)
    mirrored = torch.from_numpy(np.pad(x.numpy(), ((0, 0), (0, 0), (0, 3), (0, 2)), mode="reflect"))
    torch.testing.assert_close(model(x), model(mirrored)[:, :, :13, :18])


@pytest.mark.parametrize(
    ("up", "encoder"), [("nearest", None), ("transposed", None), ("bilinear", "resnet18")]
)
def test_the_operations_of_the_network_can_be_traced_and_run_again_at_another_size(up, encoder):
    model = UNet(3, 2, depth=2, base_width=4, up=up, encoder=encoder).eval()
    traced = torch.fx.symbolic_trace(model)
    for size in ((16, 16), (13, 40)):
        x = torch.rand(1, 3, *size)
        torch.testing.assert_close(traced(x), model(x))


def test_the_same_seed_gives_the_same_network_and_another_seed_another():
    def first_weight(seed):
        with training.seeded(seed):
            return UNet(1, 2, depth=1, base_width=4).encoder.levels[0].convolution1.weight

    assert torch.equal(first_weight(0), first_weight(0))
    assert not torch.equal(first_weight(0), first_weight(1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth": -1}, "depth=-1"),
        ({"base_width": 0}, "base_width=0"),
        ({"norm": "layer"}, "'batch'"),
        ({"up": "cubic"}, "'transposed'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(SettingsError, match=message):
        UNet(3, 2, **change)


@pytest.mark.parametrize(
    "x", [torch.rand(1, 1, 8, 8), torch.rand(3, 8, 8), torch.zeros(1, 3, 8, 8).byte(), torch.rand(1, 3, 0, 8)]
)
def test_other_input_than_images_is_refused_with_its_shape(x):
    with pytest.raises(FormatError, match=r"Give floats in 0\.\.1 of shape \[batch, 3,") as caught:
        UNet(3, 2, depth=1, base_width=2)(x)
    assert caught.value.shape == tuple(x.shape)


def test_a_picture_is_segmented_as_the_network_sees_it_in_eval_mode():
    model = UNet(3, 4, depth=2, base_width=4, norm="batch").train()
    picture = np.random.default_rng(0).integers(0, 256, (19, 30, 3), dtype=np.uint8)
    found = model.segment(picture)
    assert model.training
    assert found.dtype == np.float32
    assert found.shape == (4, 19, 30)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-6)
    x = torch.from_numpy(picture / np.float32(255)).permute(2, 0, 1)[None]
    np.testing.assert_allclose(found, model.eval()(x).softmax(1)[0].detach().numpy(), atol=1e-6)


def test_a_picture_that_is_not_uint8_is_refused():
    with pytest.raises(FormatError, match="float64"):
        UNet(1, 2, depth=1, base_width=2).segment(np.zeros((8, 8)))


@pytest.mark.parametrize("norm", [None, "batch"])
@pytest.mark.parametrize("up", ["nearest", "bilinear", "transposed"])
def test_tiles_give_the_same_answer_as_the_whole_picture(norm, up):
    torch.manual_seed(0)
    model = UNet(1, 3, depth=2, base_width=4, norm=norm, up=up)
    model(torch.rand(4, 1, 32, 32))  # gives BatchNorm statistics of its own
    picture = np.random.default_rng(0).integers(0, 256, (150, 187), dtype=np.uint8)
    np.testing.assert_allclose(model.segment(picture, tile=72), model.segment(picture), atol=1e-5)


def test_too_little_overlap_shows_a_seam():
    torch.manual_seed(0)
    model = UNet(1, 2, depth=2, base_width=4)
    picture = np.random.default_rng(0).integers(0, 256, (150, 187), dtype=np.uint8)
    assert np.abs(model.segment(picture, tile=72, overlap=0) - model.segment(picture)).max() > 1e-3


@pytest.mark.parametrize(("tile", "overlap"), [(70, None), (72, 3), (32, None)])
def test_tiles_that_cannot_agree_with_the_whole_are_refused(tile, overlap):
    model = UNet(1, 2, depth=2, base_width=2)
    with pytest.raises(SettingsError, match="Use"):
        model.segment(np.zeros((90, 90), np.uint8), tile=tile, overlap=overlap)


@pytest.mark.parametrize("up", ["nearest", "bilinear", "transposed"])
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_the_receptive_field_is_where_gradients_arrive(depth, up):
    model = UNet(1, 1, depth=depth, base_width=1, up=up)
    for parameter in model.parameters():
        torch.nn.init.constant_(parameter, 0.1)  # nothing cancels out
    edge = 32 * 2**depth
    x = torch.rand(1, 1, edge, edge, requires_grad=True)
    widths = []
    for place in range(edge // 2, edge // 2 + 2**depth):
        # Max-pooling passes the gradient to one pixel of four, a mean to all.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(F, "max_pool2d", F.avg_pool2d)
            (gradient,) = torch.autograd.grad(model(x)[0, 0, place, place], x)
        reached = torch.nonzero(gradient[0, 0].sum(1)).flatten()
        widths.append(int(reached.max() - reached.min()) + 1)
    assert max(widths) == model.receptive_field()


def test_a_short_training_finds_the_squares(squares):
    torch.manual_seed(0)
    model = UNet(1, 2, depth=2, base_width=8, norm="batch")
    training.fit(model, squares, steps=30, batch_size=8, lr=1e-2, device="cpu")
    assert training.evaluate(model, squares, device="cpu")["dice"] > 0.95


def test_stages_name_each_map_with_its_shape():
    assert UNet(1, 2, depth=2, base_width=4).stages(32) == {
        "image": (1, 32, 32),
        "down 1": (4, 32, 32),
        "down 2": (8, 16, 16),
        "down 3": (16, 8, 8),
        "up 2": (8, 16, 16),
        "up 1": (4, 32, 32),
        "classes": (2, 32, 32),
    }


def test_the_drawing_states_the_number_of_parameters():
    assert "U-Net, 25,650 parameters" in UNet(1, 2, depth=1, base_width=16).draw().alt
