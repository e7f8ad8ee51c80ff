"""Models that do share: by role, in the extreme as one model, or through a network that generates numbers."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachkit import graphs, ugnn
from teachkit.errors import SettingsError
from teachkit.ugnn import definition
from teachkit.ugnn.generator import bias_features, edge_features
from teachkit.ugnn.roles import matched, roles_of, start_alike
from teachkit.ugnn.ways import Way

WIDE_OPEN = 1e8  # with this scale the softsign changes nothing


def deep() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, 2, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(8, 3)),
    )


def flat() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))


def perceptron() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 3))


def unite(*networks: nn.Module) -> graphs.Union:
    return graphs.unite(graphs.model_graph(network, torch.zeros(1, 1, 4, 4)) for network in networks)


@pytest.fixture
def union() -> graphs.Union:
    return unite(deep(), flat(), perceptron())


def shaken(model: ugnn.UGNN, by: float = 0.3) -> ugnn.UGNN:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(by * torch.randn_like(parameter))
    return model


def losses_of(model: nn.Module, count: int = 3) -> list[Tensor]:
    return [F.cross_entropy(out, torch.arange(6) % 3) for out in model(torch.randn(6, 1, 4, 4))][:count]


def named(union: graphs.Union, groups: Tensor) -> set[frozenset[str]]:
    """The parameters of different models that have groups in common."""
    first = [0, *torch.tensor([len(model.values) for model in union.models]).cumsum(0).tolist()]
    seen: dict[int, set[str]] = {}
    for number, model in enumerate(union.models):
        for value in range(len(model.values)):
            name = f"{number}:{model.name_of(value).split('[')[0]}"
            seen.setdefault(int(groups[first[number] + value]), set()).add(name)
    return {frozenset(names) for names in seen.values() if len(names) > 1}


def test_parameters_match_by_kind_shape_and_place(union):
    assert named(union, matched(union)) == {
        frozenset({"0:0.weight", "1:0.weight"}),
        frozenset({"0:0.bias", "1:0.bias"}),
        frozenset({"0:5.bias", "1:3.bias", "2:3.bias"}),  # one for each class, in every model
    }


def test_with_stem_only_the_first_layers_match(union):
    assert named(union, matched(union, only_first_layers=True)) == {
        frozenset({"0:0.weight", "1:0.weight"}),
        frozenset({"0:0.bias", "1:0.bias"}),
    }


def test_no_two_parameters_of_a_model_have_the_same_role():
    network = nn.Sequential(nn.Flatten(), *(nn.Linear(16, 16) for _ in range(3)))
    roles = roles_of(graphs.model_graph(network, torch.zeros(1, 1, 4, 4)))
    assert len(set(roles)) == len(roles) == 6


def test_positions_within_a_kernel_stay_apart(union):
    groups = matched(union)
    kernel = next(p for p in union.models[0].parameters if p.name == "0.weight")
    assert len(groups[kernel.offset : kernel.offset + kernel.size].unique()) == kernel.size == 18


def test_networks_start_alike_where_they_match_and_nowhere_else():
    one, two, three = deep(), flat(), perceptron()
    kernel, answers = one[0].weight.clone(), two[3].weight.clone()
    start_alike([one, two, three], torch.zeros(1, 1, 4, 4))
    assert one[0].weight.equal(kernel)
    assert two[0].weight.equal(kernel)
    assert two[3].bias.equal(one[5].bias)
    assert three[3].bias.equal(one[5].bias)
    assert two[3].weight.equal(answers)  # of another shape than any other


def test_related_networks_share_all_layers_but_the_one_that_answers():
    networks = ugnn.related_networks(classes=2)
    union = graphs.unite(graphs.model_graph(net, torch.zeros(1, 1, 28, 28)) for net in networks.values())
    assert [net(torch.zeros(2, 1, 28, 28)).shape for net in networks.values()] == 3 * [(2, 2)]
    assert named(union, matched(union)) == {
        frozenset({"0:1.weight", "1:1.weight", "2:1.weight"}),
        frozenset({"0:1.bias", "1:1.bias", "2:1.bias"}),
        frozenset({"1:3.weight", "2:3.weight"}),
        frozenset({"1:3.bias", "2:3.bias"}),
        frozenset({"0:3.bias", "1:5.bias", "2:7.bias"}),
    }
    tied = matched(union)[torch.cat([model.edges.weight + first for model, first in zip(
        union.models, union.value_offsets, strict=True)])]  # fmt: skip
    assert len(tied.unique()) == 784 * 100 + 100 * 50 + 50 * 20 + 2 * (100 + 50 + 20)


@pytest.mark.parametrize("groups", ["role", "stem"])
def test_a_loss_reaches_the_models_that_share_a_kernel_and_no_other(union, groups):
    model = shaken(ugnn.UGNN(union, groups))
    reached = model.influence(losses_of(model)) > 0
    assert reached.tolist() == [[True, True, False], [True, True, False], [False, False, True]]


def test_all_tied_copies_get_the_gradient_of_one_network_that_learns_from_all():
    network = deep()
    inputs = [torch.randn(6, 1, 4, 4) for _ in range(3)]
    labels = [torch.randint(0, 3, (6,)) for _ in range(3)]
    tied = ugnn.UGNN(unite(*(copy.deepcopy(network) for _ in range(3))), "role", start_scale=WIDE_OPEN)
    tied.loss(tied(inputs), labels, [1, 1, 1]).backward()
    sum(F.cross_entropy(network(x), y) for x, y in zip(inputs, labels, strict=True)).backward()

    graph = tied.union.models[0]
    weights, biases = (
        [parameter for parameter in graph.parameters if parameter.name.endswith(kind)]
        for kind in ("weight", "bias")
    )
    for found, parameters in ((tied.delta, weights), (tied.eps, biases)):
        wanted = [network.get_parameter(parameter.name).grad.flatten() for parameter in parameters]
        torch.testing.assert_close(found.grad, torch.cat(wanted), rtol=1e-5, atol=1e-6)


def test_all_tied_copies_take_the_steps_of_one_network_that_learns_from_all():
    network, x = deep(), torch.randn(5, 1, 4, 4)
    tied = ugnn.UGNN(unite(*(copy.deepcopy(network) for _ in range(3))), "role", start_scale=WIDE_OPEN)
    inputs = [torch.randn(6, 1, 4, 4) for _ in range(3)]
    labels = [torch.randint(0, 3, (6,)) for _ in range(3)]
    start = network(x).detach()
    one = torch.optim.SGD(network.parameters(), lr=0.05)
    three = torch.optim.SGD([tied.delta, tied.eps], lr=0.05)
    for _ in range(10):
        one.zero_grad()
        sum(F.cross_entropy(network(batch), y) for batch, y in zip(inputs, labels, strict=True)).backward()
        one.step()
        three.zero_grad()
        tied.loss(tied(inputs), labels, [1, 1, 1]).backward()
        three.step()
    assert (network(x) - start).abs().max() > 0.1
    for out in tied(x):
        torch.testing.assert_close(out, network(x), rtol=1e-4, atol=1e-5)


def test_all_tied_copies_stay_one_network_however_long_they_train():
    network = flat()
    model = ugnn.UGNN(unite(*(copy.deepcopy(network) for _ in range(3))), "role")
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    for _ in range(8):
        optimizer.zero_grad()
        sum(losses_of(model)).backward()
        optimizer.step()
    one, two, three = model(torch.randn(5, 1, 4, 4))
    assert one.equal(two)
    assert one.equal(three)


@pytest.mark.parametrize("generator", ["shared", "per_model"])
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("groups", ["edge", "kernel"])
def test_with_a_generator_the_fast_path_equals_the_definition(union, generator, own, groups):
    model = shaken(ugnn.UGNN(union, groups, generator=generator, own=own))
    x = torch.randn(4, 1, 4, 4)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    results = []
    for forward in (model, lambda batch: definition.forward(model, batch)):
        outputs = forward(x)
        grads = torch.autograd.grad(sum(out.square().sum() for out in outputs), trained)
        results.append((*outputs, *grads))
    for fast, readable in zip(*results, strict=True):
        torch.testing.assert_close(
            fast, readable, rtol=1e-4, atol=1e-5 * float(readable.detach().abs().max() + 1)
        )


def test_at_the_start_a_generator_changes_nothing(union):
    x = torch.randn(3, 1, 4, 4)
    for out, plain in zip(ugnn.UGNN(union, generator="shared")(x), ugnn.UGNN(union)(x), strict=True):
        torch.testing.assert_close(out, plain)


def test_the_gradient_of_a_generator_is_right():
    network = nn.Sequential(nn.Conv2d(1, 1, 2), nn.Tanh(), nn.Flatten(), nn.Linear(4, 2)).double()
    graph = graphs.model_graph(network, torch.zeros(1, 1, 3, 3, dtype=torch.float64))
    model = shaken(ugnn.UGNN(graphs.unite([graph]), generator="shared", own=False).double())
    names, start = zip(*model.generator.named_parameters(), strict=True)
    x = torch.randn(2, 1, 3, 3, dtype=torch.float64)

    def run(*parameters: Tensor) -> Tensor:
        given = {f"generator.{name}": value for name, value in zip(names, parameters, strict=True)}
        return torch.func.functional_call(model, given, (x,))[0]

    assert torch.autograd.gradcheck(run, start)


def test_through_a_shared_generator_every_loss_reaches_every_model(union):
    model = shaken(ugnn.UGNN(union, generator="shared"))
    assert (model.influence(losses_of(model)) > 0).all()


def test_through_generators_of_their_own_it_reaches_none_but_its_own(union):
    model = shaken(ugnn.UGNN(union, generator="per_model", scales="per_model"))
    assert model.influence(losses_of(model)).count_nonzero() == 3


def test_a_gradient_says_how_theta_moves_when_the_generator_takes_a_step(union):
    model = shaken(ugnn.UGNN(union, generator="shared"), by=0.1)
    loss = losses_of(model, 1)[0]
    before = model.changes()[0][0].detach()
    step = 1e-4
    found = model.gradient(loss)[union.edges.weight >= 0]
    trained = [model.theta, *model.generator.parameters()]
    with torch.no_grad():
        for parameter, grad in zip(trained, torch.autograd.grad(loss, trained), strict=True):
            parameter.add_(step * grad)
    moved = (model.changes()[0][0].detach() - before) / step
    torch.testing.assert_close(moved, found, rtol=0.02, atol=0.01 * float(found.abs().max()))


def test_generators_of_their_own_are_as_large_and_start_alike(union):
    shared, own = (ugnn.UGNN(union, generator=kind).generator for kind in ("shared", "per_model"))
    sizes = [sum(p.numel() for p in network.parameters()) for network in own.networks]
    assert sizes == 3 * [sum(p.numel() for p in shared.parameters())]
    for network in own.networks:
        for one, other in zip(network.parameters(), shared.parameters(), strict=True):
            assert one.equal(other)


def test_only_the_generator_and_the_bounds_are_trained_without_own(union):
    model = ugnn.UGNN(union, generator="shared", own=False)
    trained = {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad}
    assert trained == {"generator", "log_s_e", "log_s_b"}
    with pytest.raises(SettingsError, match="No scale"):
        ugnn.UGNN(union, own=False).gradient(torch.zeros(()))


def test_features_do_not_tell_hidden_neurons_apart(union):
    perceptron = union.models[2]
    into_hidden = perceptron.nodes.level[perceptron.edges.dst.long()] == 1
    features = edge_features(perceptron, 3)[into_hidden]
    assert len(features.unique(dim=0)) == 16  # one for each pixel, the same for all four neurons
    assert edge_features(perceptron, 3).isfinite().all()
    assert edge_features(perceptron, 3).shape[1] == bias_features(perceptron, 3).shape[1]


def test_a_graph_layer_and_a_colour_image_have_features_too():
    near = graphs.grid_graph(2, 2)
    gcn = nn.Sequential(graphs.Patches(2), graphs.GCNConv(near, 12, 3), nn.ReLU(), graphs.MeanReadout())
    graph = graphs.model_graph(gcn, torch.zeros(1, 3, 4, 4))
    model = ugnn.UGNN(graphs.unite([graph]), generator="shared")
    assert edge_features(graph, 3).isfinite().all()
    assert model(torch.randn(2, 3, 4, 4))[0].shape == (2, 3)


def test_compounding_takes_what_the_generator_says(union):
    model = shaken(ugnn.UGNN(union, rule="compounding", generator="shared"), by=0.1)
    wanted = model.numbers()[0].detach()
    model.compound()
    assert model.eval().numbers()[0].equal(wanted)


@pytest.mark.parametrize(("kind", "generator"), [("joint", "shared"), ("solo", "per_model")])
def test_a_way_shares_between_models_only_when_joint(kind, generator):
    way = Way(kind, sharing="generator only")
    model = way.build([deep(), flat(), perceptron()], torch.zeros(1, 1, 4, 4))
    assert len(model.generator.networks) == (1 if generator == "shared" else 3)
    assert not model.theta.requires_grad
    assert way.settings()["sharing"] == "generator only"
    assert "sharing" not in Way(kind).settings()


def test_in_a_solo_way_roles_end_at_the_model():
    model = Way("solo", groups="role").build([deep(), flat(), perceptron()], torch.zeros(1, 1, 4, 4))
    assert model.influence(losses_of(model)).count_nonzero() == 3


def test_unknown_ways_of_sharing_are_refused(union):
    with pytest.raises(SettingsError, match="Did you mean 'shared'"):
        ugnn.UGNN(union, generator="share")
    with pytest.raises(SettingsError, match="Did you mean 'generator'"):
        Way("joint", sharing="generators")
