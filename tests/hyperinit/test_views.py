"""What a lesson asks a hyper-initializer for."""

import numpy as np
import torch

from teachkit.hyperinit import HyperInitializer, Stream, pretext_scores, references


def test_the_networks_of_the_exam_are_never_drawn():
    small = HyperInitializer(dim=8)
    assert small.references == references()
    stream = small.stream(["vgg", "basic"], seed=4, size=50)
    assert stream == Stream(families=("vgg", "basic"), seed=4, size=50)
    assert {stream[place].family for place in range(50)} == {"vgg", "basic"}
    assert not {stream[place].config for place in range(50)} & {one.config for one in references().values()}


def test_scores_are_pretext_scores_of_64_pictures():
    small = HyperInitializer(dim=8, max_channels=8, max_kernel=3)
    small.grow_head(4)
    exam = {"resnet8": references()["resnet8"]}
    images = np.random.default_rng(0).integers(0, 256, (70, 8, 8), dtype=np.uint8)
    assert small.scores(exam, images) == pretext_scores(small, exam, images[:64])
    assert small.scores(exam, images, limit=5) == pretext_scores(small, exam, images[:5])


def test_states_are_one_row_a_node_of_all_graphs(residual):
    small = HyperInitializer(dim=8)
    graphs = [small.graph(residual()), small.graph(residual(groups=8))]
    with torch.no_grad():
        both = small.states(graphs)
        alone = torch.cat([small.states([graph]) for graph in graphs])
    assert both.shape == (sum(graph.num_nodes for graph in graphs), 8)
    torch.testing.assert_close(both, alone)
