"""Random architectures: what is drawn, in which order, and that all of it runs."""

from collections import Counter
from itertools import islice

import pytest
import torch
from torch import nn

from teachkit.errors import SettingsError, UnknownNameError
from teachkit.hyperinit.architectures import FAMILIES, Basic, Cells, Stream, Vgg, parse, references


def first(stream: Stream, count: int) -> list[str]:
    return [architecture.config for architecture in islice(stream, count)]


def test_the_same_seed_draws_the_same_architectures_in_the_same_order():
    assert first(Stream(seed=3), 30) == first(Stream(seed=3), 30)
    assert first(Stream(seed=3), 30) != first(Stream(seed=4), 30)


def test_an_architecture_does_not_depend_on_those_drawn_before_it():
    stream = Stream(seed=1)
    assert stream[17] == list(islice(stream, 18))[17]


def test_two_workers_never_draw_the_same_architecture():
    one, two = (set(first(Stream(seed=2).shard(worker, 2), 300)) for worker in (0, 1))
    assert len(one) > 200
    assert len(two) > 200
    assert not one & two


def test_all_families_are_drawn_about_equally_often():
    drawn = [architecture.family for architecture in islice(Stream(seed=5), 400)]
    assert set(drawn) == set(FAMILIES)
    assert all(25 <= drawn.count(name) <= 80 for name in FAMILIES)


def test_a_configuration_that_is_held_out_is_never_drawn():
    free = Stream(families=("vgg",), seed=7)
    [(often, times)] = Counter(first(free, 200)).most_common(1)
    held_out = Stream(families=("vgg",), seed=7, held_out=(often,))
    assert times > 1
    assert often not in first(held_out, 500)


def test_holding_out_changes_no_other_place_of_the_stream():
    free = first(Stream(families=("vgg",), seed=7), 100)
    held_out = first(Stream(families=("vgg",), seed=7, held_out=(free[0],)), 100)
    changed = [place for place in range(100) if free[place] != held_out[place]]
    assert changed == [place for place in range(100) if free[place] == free[0]]


def test_a_family_that_is_held_out_is_never_drawn():
    drawn = {a.family for a in islice(Stream(held_out=("mobile2", "cells")), 200)}
    assert drawn == set(FAMILIES) - {"mobile2", "cells"}


def test_the_references_are_held_out_by_default():
    references_of = {a.config for a in references().values()}
    assert {a.config for a in Stream().held_out} == references_of
    assert not references_of & set(first(Stream(families=("basic", "vgg", "mobile2")), 500))


def test_a_stream_with_a_size_is_a_collection_walked_through_again_and_again():
    stream = Stream(size=5)
    assert len(list(stream)) == 5
    assert stream[7] == stream[2]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("scale", ["small", "large"])
def test_every_network_takes_pictures_of_28_and_of_64_pixels(family: str, scale: str):
    for architecture in islice(Stream((family,), seed=1, scale=scale), 4 if scale == "small" else 2):
        with torch.no_grad():
            network = architecture.build(1, 4)
            assert network(torch.randn(2, 1, 28, 28)).shape == (2, 4)
            assert network(torch.randn(2, 1, 64, 64)).shape == (2, 4)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_tensor_of_a_network_takes_part(family: str):
    for architecture in islice(Stream((family,), seed=2), 4):
        network = architecture.build(3, 2)
        network(torch.randn(4, 3, 28, 28)).square().sum().backward()
        assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("family", FAMILIES)
def test_its_line_of_text_makes_the_same_architecture_again(family: str):
    for architecture in islice(Stream((family,)), 50):
        again = parse(architecture.config)
        assert again == architecture
        assert hash(again) == hash(architecture)
        assert architecture.config.startswith(f"{family}(")


def test_a_network_on_the_meta_device_has_the_same_tensors_and_no_numbers():
    architecture = references()["resnet14"]
    real, shapes = architecture.build(1, 4), architecture.build(1, 4, device="meta")
    assert all(parameter.is_meta for parameter in shapes.parameters())
    named = {name: parameter.shape for name, parameter in real.named_parameters()}
    assert named == {name: parameter.shape for name, parameter in shapes.named_parameters()}
    assert not list(shapes.buffers())


def test_batchnorm_without_running_statistics_gives_the_same_in_training_and_evaluation():
    network = Stream()[0].build(1, 3)
    x = torch.randn(8, 1, 28, 28)
    assert torch.equal(network.train()(x), network.eval()(x))


def test_running_statistics_are_kept_on_request():
    network = references()["vgg6"].build(1, 3, running_statistics=True)
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    network(torch.randn(8, 1, 28, 28))
    assert len(norms) == 5
    assert all(int(norm.num_batches_tracked) == 1 for norm in norms)


def test_a_published_network_can_be_written_out():
    resnet18 = Basic((64, 128, 256, 512), (2, 2, 2, 2), 3, 7, 2, "max").build(3, 1000, device="meta")
    assert sum(p.numel() for p in resnet18.parameters()) == 11_689_512  # torchvision's
    assert len(list(resnet18.parameters())) == 62


def test_a_cell_reads_the_two_cells_before_it():
    nodes = "conv3:1+skip:0_max:2"
    network = Cells(8, 3, nodes, 3, 1).build(1, 2)
    assert Cells(8, 3, nodes, 3, 1).edges() == [[("conv3", 1), ("skip", 0)], [("max", 2)]]
    assert network(torch.randn(2, 1, 28, 28)).shape == (2, 2)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("vgg(widths=8)", "says nothing about depths"),
        ("vgg(width=8)", "No setting 'width'"),
        ("vgg(widths=x, depths=1, kernel=3, pool=max, hidden=0)", "no whole number"),
        ("vgg(widths=8-16, depths=1, kernel=3, pool=max, hidden=0)", "2 widths and 1 depths"),
        ("vgg(widths=8, depths=1, kernel=2, pool=max, hidden=0)", "kernel"),
        ("resnet", "describes no architecture"),
        ("resnet(widths=8)", "No family 'resnet'"),
        ("cells(width=8, cells=2, nodes=conv3:0, stem=3, stride=1)", "make no cell"),
        ("cells(width=8, cells=2, nodes=conv3:2, stem=3, stride=1)", "no edge of node 2"),
        ("cells(width=8, cells=2, nodes=konv3:1, stem=3, stride=1)", "No operation 'konv3'"),
    ],
)
def test_a_line_that_describes_no_architecture_says_why(config: str, said: str):
    with pytest.raises(SettingsError, match=said):
        parse(config)


def test_unknown_or_empty_streams_are_refused():
    with pytest.raises(UnknownNameError, match="No family 'mobile3'"):
        Stream(("mobile3",))
    with pytest.raises(SettingsError, match="held out"):
        Stream(("vgg",), held_out=("vgg",))
    with pytest.raises(SettingsError, match="worker is 2 of 2"):
        Stream(worker=2, workers=2)
    with pytest.raises(UnknownNameError, match="No pooling 'sum'"):
        Vgg((8, 8), (1, 1), 3, "sum", 0).build(1, 2)
