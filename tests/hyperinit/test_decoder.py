"""From states to tensors (oracle: everything first, then cut)."""

import pytest
import torch

from teachkit.hyperinit.architecture import Kind, Parameter
from teachkit.hyperinit.decoder import Decoder, fit, spread

SHAPES = [
    (6, 3, 3, 3),
    (6, 3, 3, 3),
    (8, 8, 1, 1),
    (8, 8, 5, 5),
    (4, 1, 3, 3),
    (8, 4, 1, 5),
    (8, 8, 2, 2),
    (20, 9, 3, 3),
    (5, 17),
    (2, 2, 9, 9),
    (9, 4, 3),
    (8, 9, 2, 3, 3),
]


@pytest.fixture
def decoder() -> Decoder:
    return Decoder(4, max_channels=8, max_kernel=5)


def entry(
    row: int, shape: tuple[int, ...], kind: Kind = "weight", head: bool = False
) -> tuple[int, Parameter]:
    return row, Parameter(f"{kind} {row}", kind, shape, head)


def test_cutting_before_the_product_equals_cutting_the_result(decoder):
    states = torch.randn(len(SHAPES), 4, requires_grad=True)
    fast = decoder(states, [entry(row, shape) for row, shape in enumerate(SHAPES)])
    slow = [decoder.definition(state, shape) for state, shape in zip(states, SHAPES, strict=True)]
    own = [states, *decoder.places.parameters(), *decoder.hidden.parameters(), *decoder.kernels.parameters()]
    found = []
    for tensors in (fast, slow):
        assert [tuple(tensor.shape) for tensor in tensors] == SHAPES
        loss = sum((tensor.sin() * (tensor + place)).sum() for place, tensor in enumerate(tensors))
        found.append(torch.autograd.grad(loss, own))
    for one, other in zip(fast, slow, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_gradients_agree_with_differences():
    decoder = Decoder(4, max_channels=3, max_kernel=3).double()
    plan = [entry(0, (2, 3, 3, 3)), entry(1, (3, 2, 3, 3)), entry(2, (2, 3, 3, 3)), entry(2, (5, 3))]
    states = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: tuple(decoder(x, plan)), states)


def test_a_small_kernel_is_the_middle_of_a_large_one(decoder):
    state = torch.randn(1, 4)
    large, small = decoder(state, [entry(0, (2, 3, 5, 5)), entry(0, (2, 3, 3, 3))])
    torch.testing.assert_close(small / spread((2, 3, 3, 3)), large[:, :, 1:4, 1:4] / spread((2, 3, 5, 5)))


@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_gets_the_same_numbers_in_its_own_order(decoder, groups):
    state, (one, other) = torch.randn(1, 4), ((6, 4 // groups, 3, 3), (4, 6 // groups, 3, 3))
    across = Parameter("up.weight", "weight", one, transposed=groups)
    assert across.layout == other
    found, plain = decoder(state, [(0, across), entry(0, other)])
    assert found.shape == one
    for group in range(groups):
        ins, outs = (slice(group * size // groups, (group + 1) * size // groups) for size in (6, 4))
        torch.testing.assert_close(found[ins].transpose(0, 1), plain[outs])


def test_a_volume_holds_the_same_kernel_at_every_depth(decoder):
    (tensor,) = decoder(torch.randn(1, 4), [entry(0, (8, 4, 3, 5, 5))])
    torch.testing.assert_close(tensor[:, :, 0], tensor[:, :, 2])
    assert spread((8, 4, 3, 5, 5)) == pytest.approx((2 / (4 * 3 * 5 * 5)) ** 0.5)


def test_more_channels_are_copies(decoder):
    (tensor,) = decoder(torch.randn(1, 4), [entry(0, (20, 9, 3, 3))])
    torch.testing.assert_close(tensor[8:16], tensor[:8])
    torch.testing.assert_close(tensor[16:], tensor[:4])
    torch.testing.assert_close(tensor[:, 8], tensor[:, 0])
    assert not tensor[0].equal(tensor[1])


def test_channels_are_copied_row_by_row():
    block = torch.arange(6.0).view(2, 3, 1, 1)
    assert fit(block, (4, 4)).tolist() == [[0, 1, 2, 0], [3, 4, 5, 3], [0, 1, 2, 0], [3, 4, 5, 3]]


@pytest.mark.parametrize(
    ("shape", "variance"),
    [((64, 16, 3, 3), 2 / 144), ((10, 50), 2 / 50), ((32, 1, 3, 3), 1 / 9), ((8, 8, 1, 7), 1 / 56)],
)
def test_the_size_of_weights_follows_the_fan_in(shape, variance):
    assert spread(shape) ** 2 == pytest.approx(variance)


def test_scales_and_shifts_stay_in_their_ranges(decoder):
    states = torch.randn(30, 4) * 1000
    plan = [entry(row, (20,), kind) for row in range(30) for kind in ("gamma", "beta", "bias")]
    tensors = decoder(states, plan)
    scales, shifts = (
        torch.cat([t for t, (_, p) in zip(tensors, plan, strict=True) if (p.kind == "gamma") is wanted])
        for wanted in (True, False)
    )
    assert scales.min() >= 0
    assert scales.max() <= 2
    assert shifts.abs().max() <= 1
    assert scales.max() > 1.9
    assert shifts.min() < -0.9
    assert tensors[0][8:16].equal(tensors[0][:8])


def test_a_state_of_zero_gives_plain_scales(decoder):
    torch.nn.init.zeros_(decoder.vectors[2].bias)
    torch.nn.init.zeros_(decoder.vectors[0].bias)
    scale, shift = decoder(torch.zeros(1, 4), [entry(0, (3,), "gamma"), entry(0, (3,), "beta")])
    assert scale.tolist() == [1, 1, 1]
    assert shift.tolist() == [0, 0, 0]


def test_last_layers_are_left_out_unless_asked_for(decoder):
    plan = [entry(0, (3, 12), head=True), entry(1, (3,), "bias", head=True), entry(0, (4, 4))]
    assert [tensor is None for tensor in decoder(torch.randn(2, 4), plan)] == [True, True, False]


def test_last_layers_have_as_many_outputs_as_were_grown(decoder):
    decoder.grow_head(11)
    plan = [
        entry(0, (3, 12), head=True),
        entry(1, (3,), "bias", head=True),
        entry(0, (2, 8, 1, 1), head=True),
    ]
    weight, bias, kernel = decoder(torch.randn(2, 4, requires_grad=True), plan, heads=True)
    assert (weight.shape, bias.shape, kernel.shape) == ((11, 12), (11,), (11, 8, 1, 1))
    torch.testing.assert_close(weight[:, :8] / spread((11, 12)), kernel[:, :, 0, 0] / spread((11, 8, 1, 1)))
    torch.testing.assert_close(weight[:, 8:], weight[:, :4])
    assert bias.abs().max() <= 1
