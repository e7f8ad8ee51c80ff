"""A union with learned scales and shifts: equal to its definition, to torch, and to solo runs."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit import graphs, ugnn
from teachkit.errors import SettingsError
from teachkit.ugnn import definition

PARAMETERS = ("theta", "delta", "phi", "eps", "log_s_e", "log_s_b")


@pytest.fixture(autouse=True)
def _one_thread_and_one_seed():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def conv() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))
    )


def perceptron() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 3))


def patches() -> nn.Sequential:
    near = graphs.grid_graph(2, 2)
    return nn.Sequential(graphs.Patches(2), graphs.GCNConv(near, 4, 3), nn.ReLU(), graphs.MeanReadout())


@pytest.fixture
def networks() -> list[nn.Module]:
    return [make().eval() for make in (conv, perceptron, patches)]


@pytest.fixture
def union(networks) -> graphs.Union:
    return graphs.unite([graphs.model_graph(network, torch.zeros(1, 1, 4, 4)) for network in networks])


def shaken(model: ugnn.UGNN) -> ugnn.UGNN:
    """The model with parameters that are not those of the start."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def train(model: nn.Module, steps: int, inputs: list[Tensor], labels: list[Tensor], lr: float = 0.05) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        sum(F.cross_entropy(out, y) for out, y in zip(model(inputs), labels, strict=True)).backward()
        optimizer.step()


@pytest.mark.parametrize("scales", ["shared", "per_model"])
@pytest.mark.parametrize("groups", ["edge", "kernel", 7])
def test_outputs_and_all_gradients_are_those_of_the_definition(union, groups, scales):
    model = shaken(ugnn.UGNN(union, groups, scales=scales))
    x = torch.randn(5, 1, 4, 4)
    found = []
    for outputs in (model(x), definition.forward(model, x)):
        loss = model.loss(outputs, torch.tensor([0, 1, 2, 1, 0]), [0.2, 0.5, 1.0])
        parameters = [getattr(model, name) for name in PARAMETERS]
        found.append((*outputs, *torch.autograd.grad(loss, parameters)))
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("groups", ["edge", "kernel", 3])
def test_gradients_agree_with_finite_differences(groups):
    network = nn.Sequential(nn.Conv2d(1, 1, 2), nn.Tanh(), nn.Flatten(), nn.Linear(4, 2))
    graph = graphs.model_graph(network, torch.zeros(1, 1, 3, 3)).to(torch.float64)
    model = shaken(ugnn.UGNN(graphs.unite([graph, graph]), groups))
    x = torch.randn(2, 1, 3, 3, dtype=torch.float64)
    parameters = tuple(getattr(model, name) for name in PARAMETERS)

    def run(*values: Tensor) -> tuple[Tensor, ...]:
        with torch.no_grad():  # gradcheck moves the parameters themselves
            assert all(a is b for a, b in zip(values, parameters, strict=True))
        return tuple(model(x))

    assert torch.autograd.gradcheck(run, parameters)


def test_a_huge_scale_makes_it_the_networks_themselves(union, networks):
    x = torch.randn(6, 1, 4, 4)
    with torch.no_grad():
        for out, network in zip(ugnn.UGNN(union, start_scale=1e8)(x), networks, strict=True):
            torch.testing.assert_close(out, network(x), rtol=1e-5, atol=1e-5)


def test_at_the_start_a_weight_of_a_third_has_lost_a_quarter():
    network = nn.Linear(1, 1)
    nn.init.constant_(network.weight, 1 / 3)
    nn.init.constant_(network.bias, -1.0)
    model = ugnn.UGNN(graphs.unite([graphs.model_graph(network, torch.zeros(1, 1))]))
    edges, biases = model.numbers()
    assert edges.item() == pytest.approx(0.25)
    assert biases.item() == pytest.approx(-0.5)


def test_groups_per_edge_and_per_kernel_have_the_sizes_of_the_paper():
    networks, example = ugnn.reference_networks().values(), torch.zeros(1, 1, 28, 28)
    union = graphs.unite([graphs.model_graph(network, example) for network in networks])
    assert [len(model.values) for model in union.models] == [2_210, 31_410, 84_780]
    per_edge = ugnn.UGNN(union)
    biases = union.num_nodes - 3 * 784
    assert len(per_edge.theta) + len(per_edge.phi) == union.num_edges + biases == 174_700
    # the public code counts 4 more: three loss weights and an alpha that nothing reads
    assert sum(parameter.numel() for parameter in per_edge.parameters()) == 349_402
    per_kernel = ugnn.UGNN(union, "kernel")
    assert len(per_kernel.theta) + len(per_kernel.phi) == 118_400


def test_kernel_groups_are_a_convolution_with_rescaled_weights(union, networks):
    model = shaken(ugnn.UGNN(union, "kernel", start_scale=1e8))
    x, wave = torch.randn(3, 1, 4, 4), torch.linspace(0, 5, 9).view(3, 3).cos()
    layer, linear = networks[0][0], networks[0][4]
    weights = [layer.bias, layer.weight, linear.bias, linear.weight]
    sizes = {part.name: (part.offset, part.size) for part in union.models[0].parameters}
    for name, weight in zip(("0.bias", "0.weight", "4.bias", "4.weight"), weights, strict=True):
        is_bias = name.endswith("bias")
        first = sum(size for other, (offset, size) in sizes.items()
                    if other.endswith("bias") == is_bias and offset < sizes[name][0])  # fmt: skip
        scale, shift = (model.phi, model.eps) if is_bias else (model.theta, model.delta)
        part = slice(first, first + weight.numel())
        with torch.no_grad():
            weight.copy_((scale[part] * weight.flatten() + shift[part]).view_as(weight))
    start = torch.cat([model.edges.values[:18]])
    (wave * model(x)[0]).sum().backward()
    out = networks[0](x)
    (wave * out).sum().backward()
    torch.testing.assert_close(model(x)[0], out, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.delta.grad[:18], layer.weight.grad.flatten(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        model.theta.grad[:18], layer.weight.grad.flatten() * start, rtol=1e-4, atol=1e-5
    )


def test_fixed_edges_have_no_scale_of_their_own(union):
    learned = sum(int((model.edges.weight >= 0).sum()) for model in union.models)
    assert len(ugnn.UGNN(union).theta) == learned < union.num_edges


def test_a_loss_moves_only_the_block_of_its_model(union):
    model = ugnn.UGNN(union)
    x, labels = torch.randn(8, 1, 4, 4), torch.arange(8) % 3
    losses = [F.cross_entropy(out, labels) for out in model(x)]
    for number, loss in enumerate(losses):
        gradient = model.gradient(loss)
        assert (gradient[union.model_of_edge != number] == 0).all()
        assert (gradient[union.model_of_edge == number] != 0).any()
    reached = model.influence(losses)
    assert reached.diag().min() > 0
    assert reached.count_nonzero() == 3


def test_few_random_groups_let_a_loss_reach_other_models(union):
    model = ugnn.UGNN(union, 5)
    losses = [out.square().mean() for out in model(torch.randn(8, 1, 4, 4))]
    assert (model.influence(losses) > 0).all()


def test_with_a_scale_per_model_joint_training_is_solo_training_to_the_last_bit(union):
    inputs = [torch.randn(6, 1, 4, 4) for _ in union.models]
    labels = [torch.arange(6) % 3 for _ in union.models]
    joint = ugnn.UGNN(union, scales="per_model")
    train(joint, 10, inputs, labels)
    for number, graph in enumerate(union.models):
        solo = ugnn.UGNN(graphs.unite([graph]), scales="per_model")
        train(solo, 10, inputs[number : number + 1], labels[number : number + 1])
        assert solo([inputs[number]])[0].equal(joint(inputs)[number])


def test_with_one_scale_for_all_it_is_not(union):
    inputs = [torch.randn(6, 1, 4, 4) for _ in union.models]
    labels = [torch.arange(6) % 3 for _ in union.models]
    joint, solo = ugnn.UGNN(union), ugnn.UGNN(graphs.unite([union.models[0]]))
    train(joint, 10, inputs, labels)
    train(solo, 10, inputs[:1], labels[:1])
    assert (solo(inputs[:1])[0] - joint(inputs)[0]).abs().max() > 1e-4


def test_scales_stay_positive_however_large_the_steps(union):
    model = ugnn.UGNN(union)
    x = torch.randn(4, 1, 4, 4)
    optimizer = torch.optim.SGD([model.log_s_e, model.log_s_b], lr=5)
    for _ in range(5):
        optimizer.zero_grad()
        sum(out.square().sum() for out in model(x)).backward()
        optimizer.step()
        assert model.s_e > 0
        assert model.s_b > 0
    assert all(out.isfinite().all() for out in model(x))


def test_one_batch_for_all_or_one_for_each(union):
    model = ugnn.UGNN(union)
    x = torch.randn(2, 1, 4, 4)
    for one, other in zip(model(x), model([x, x.clone(), x]), strict=True):
        assert one.equal(other)
    with pytest.raises(SettingsError, match="3 models and 1 batches"):
        model([x])


def test_losses_are_weighted_by_hand_or_averaged(union):
    model = ugnn.UGNN(union)
    outputs, labels = model(torch.randn(4, 1, 4, 4)), torch.tensor([0, 1, 2, 0])
    each = [F.cross_entropy(out, labels) for out in outputs]
    torch.testing.assert_close(model.loss(outputs, labels), sum(each) / 3)
    torch.testing.assert_close(model.loss(outputs, [labels] * 3, [1, 0, 2]), each[0] + 2 * each[2])
    with pytest.raises(SettingsError, match="3 models and 2 weights"):
        model.loss(outputs, labels, [1, 2])


def test_a_trained_model_leaves_the_union_as_a_graph_of_its_own(union):
    model = shaken(ugnn.UGNN(union, "kernel"))
    x = torch.randn(3, 1, 4, 4)
    for number, out in enumerate(model(x)):
        torch.testing.assert_close(model.graph(number).forward(x), out)


def test_state_is_saved_and_loaded(union):
    model, other = shaken(ugnn.UGNN(union, 9, seed=3)), ugnn.UGNN(union, 9, seed=3)
    other.load_state_dict(copy.deepcopy(model.state_dict()))
    x = torch.randn(3, 1, 4, 4)
    assert all(a.equal(b) for a, b in zip(model(x), other(x), strict=True))


def test_random_groups_come_from_their_seed_and_none_is_empty(union):
    one, same, other = (ugnn.UGNN(union, 6, seed=seed).groups.edges for seed in (1, 1, 2))
    assert one.equal(same)
    assert not one.equal(other)
    assert one.unique().tolist() == list(range(6))


def test_groups_can_be_chosen_by_hand(union):
    sizes = [len(tensor) for tensor in vars(ugnn.UGNN(union).groups).values()]
    groups = ugnn.Groups(*(torch.arange(size) % 2 for size in sizes))
    assert len(ugnn.UGNN(union, groups).theta) == 2
    with pytest.raises(SettingsError, match="Groups of edges"):
        ugnn.UGNN(union, ugnn.Groups(groups.edges[1:], groups.biases))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"groups": "kernels"}, "Did you mean 'kernel'"),
        ({"groups": 0}, "0 groups are too few"),
        ({"rule": "fix"}, "Did you mean 'fixed'"),
        ({"scales": "per_models"}, "Did you mean 'per_model'"),
        ({"start_scale": 0.0}, "not positive"),
    ],
)
def test_unknown_settings_are_refused_with_a_remedy(union, settings, message):
    with pytest.raises(SettingsError, match=message):
        ugnn.UGNN(union, **settings)


def test_a_list_of_graphs_must_be_united_first(union):
    with pytest.raises(SettingsError, match=r"graphs\.unite"):
        ugnn.UGNN(list(union.models))
