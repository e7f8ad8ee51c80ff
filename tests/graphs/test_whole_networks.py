"""Published networks as graphs (oracle: torchvision's own forward pass)."""

import pytest
import torch
import torchvision
from torch import nn

from teachkit import graphs
from teachkit.errors import GraphTooLargeError


def published(name: str) -> nn.Module:
    """The network with random weights and BatchNorm statistics that are not 0 and 1."""
    module = getattr(torchvision.models, name)(num_classes=10).eval()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean, 0, 0.1)
            nn.init.uniform_(part.running_var, 0.5, 2)
    return module


@pytest.mark.parametrize(
    ("name", "nodes", "edges"),
    [
        ("shufflenet_v2_x0_5", 42_755, 794_392),
        ("mnasnet0_5", 114_859, 1_938_832),
        ("squeezenet1_1", 34_468, 1_813_194),
    ],
)
def test_published_networks_agree_with_torchvision(name, nodes, edges):
    module, x = published(name), torch.randn(2, 3, 28, 28)
    graph = graphs.model_graph(module, x[:1])
    assert (graph.num_nodes, graph.num_edges) == (nodes, edges)
    graph.check()
    with torch.no_grad():
        assert (graph.forward(x) - module(x)).abs().max() < 1e-5
        assert (graph.to_module()(x) - module(x)).abs().max() < 1e-5


def counted_by_ones(module: nn.Module) -> int:
    """Edges of a residual network: ones through each convolution count its products that touch no padding."""
    total = 0

    def count(layer, inputs, output):
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            kernel = torch.ones_like(layer.weight)
            ones = torch.ones_like(inputs[0])
            total += int(nn.functional.conv2d(ones, kernel, None, layer.stride, layer.padding).sum())
        elif isinstance(layer, nn.BatchNorm2d):
            total += 2 * output.numel()
        elif isinstance(layer, nn.Linear):
            total += layer.weight.numel()
        elif isinstance(layer, nn.MaxPool2d):
            ones = torch.ones_like(inputs[0])
            total += int(nn.functional.avg_pool2d(ones, 3, 2, 1, divisor_override=1).sum().round())
        elif isinstance(layer, nn.AdaptiveAvgPool2d):
            total += inputs[0].numel()
        elif isinstance(layer, torchvision.models.resnet.BasicBlock):
            total += 2 * output.numel()

    hooks = [part.register_forward_hook(count) for part in module.modules()]
    with torch.no_grad():
        module(torch.zeros(1, 3, 28, 28))
    for hook in hooks:
        hook.remove()
    return total


def test_a_network_above_the_limit_is_refused_with_its_size_before_memory_is_used():
    module = published("resnet18")
    expected = counted_by_ones(module)
    with pytest.raises(GraphTooLargeError, match=f"{expected:,} edges.*limit is 5,000,000") as caught:
        graphs.model_graph(module, torch.zeros(1, 3, 28, 28))
    assert caught.value.edges == expected == 19_087_104


def test_the_limit_can_be_set(reference):
    module, example = reference["shallow"](1, 10), torch.zeros(1, 1, 28, 28)
    with pytest.raises(GraphTooLargeError, match="58,256 edges and 3,930 nodes"):
        graphs.model_graph(module, example, limit=58_255)
    assert graphs.model_graph(module, example, limit=58_256).num_edges == 58_256


def test_too_many_nodes_are_refused_too():
    with pytest.raises(GraphTooLargeError, match="more than 1,000 nodes"):
        graphs.model_graph(nn.ReLU(), torch.zeros(1, 3, 28, 28), limit=1_000)


def test_conversion_leaves_mode_weights_and_statistics_alone():
    module = published("shufflenet_v2_x0_5").train()
    module.conv1.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    graphs.model_graph(module, torch.randn(1, 3, 28, 28))
    assert all(value.equal(before[name]) for name, value in module.state_dict().items())
    assert module.training
    assert not module.conv1.training
    assert module.stage2.training
    assert not any(part._forward_hooks for part in module.modules())
