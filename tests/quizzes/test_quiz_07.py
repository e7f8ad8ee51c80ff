"""Quiz and challenge of lesson 07: what is special about them."""

import ast
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import torch
from torch import nn

from teachkit import hyperinit
from teachkit.hyperinit.gated import GatedGNN

CHALLENGE = "07_hyperinit/challenge.ipynb"


class Mean(nn.Module):
    """In place of a gated unit: the mean of message and old state."""

    def forward(self, message, state):
        return (message + state) / 2


@pytest.mark.parametrize(("hops", "concat", "back"), [("equation", 3.5, 4.5625), ("code", 10, None)])
def test_keys_on_messages_are_those_of_the_graph_network(hops, concat, back):
    """Backwards begins with concat, whose message is of nobody: its state is halved."""
    distances = np.array([[0, 1, 1, 2], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]])
    gnn = GatedGNN(2, hops=hops)
    gnn.direct, gnn.distant, gnn.update = nn.Identity(), nn.Identity(), Mean()
    start = torch.tensor([[8.0], [0.0], [2.0], [0.0]])
    found = gnn.definition(start, SimpleNamespace(num_nodes=4, distances=distances)).flatten()
    assert float(found[3]) == concat / 2
    assert back is None or float(found[0]) == back


def test_keys_on_copies_are_those_of_the_decoder():
    kernel = hyperinit.HyperInitializer().decoder.definition(torch.randn(32), (128, 96, 3, 3))
    assert 30_000 < len(kernel.unique()) <= 36_864
    assert torch.equal(kernel[100], kernel[36])
    same = [(kernel == kernel[0, column]).all(-1).all(-1).sum() for column in (0, 40)]
    assert same == [4, 2]


FULL = {"same-test": 2, "blind-test": 2, "drawn-test": 2, "controls-test": 2, "repair-test": 2}


@pytest.fixture
def points_for(offline, root, marks_of):
    """The points of each test cell when these cells are answered like that; 0 for cells that are left out.

    The hyper-initializer does without its ten steps of pre-training.
    """
    cells = nbformat.read(root / "quizzes" / "source" / CHALLENGE, as_version=4).cells
    source = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in cells}
    body = ast.parse(source["starts"]).body
    untouched = ast.unparse(ast.Module([part for part in body if not isinstance(part, ast.Expr)], []))

    def run(only=tuple(FULL), **answers):
        given = {"starts": untouched, "first": "found = Comparison()", "rest": "pass"}
        for name in FULL.keys() - set(only):
            given[name] = source[name].partition("\n\njudged(")[0] if name == "same-test" else "pass"
        marks = marks_of(CHALLENGE, given | answers)
        return tuple(marks[name] for name in only)

    return run


def same(given="dict.fromkeys(starts, start)", verdict="size > 1e-6", size="size"):
    return f"""
def check_same(comparison, starts, train, val, test):
    def start(network, seed):
        for k, part in enumerate(network.parameters()):
            part.data = torch.randn(part.shape, generator=torch.Generator().manual_seed(k)) / 5

    run = comparison({given}, train, val, test, epochs=1, seeds=1)
    first, *others = [run.outputs(arm, 0, test.images) for arm in {given}]
    size = max(float((first - other).abs().max()) for other in others)
    return {verdict}, {size}
"""


def blind(changes="images=255 - test.images, labels=(test.labels + 1) % 10", measured="test.images"):
    return f"""
def check_test(comparison, starts, train, val, test):
    other = replace(test, {changes})
    runs = [comparison(starts, train, val, seen, epochs=1, seeds=2) for seen in (test, other)]
    size = 0.0
    for arm in starts:
        for seed in (0, 1):
            before, after = (run.outputs(arm, seed, {measured}) for run in runs)
            size = max(size, float((before - after).abs().max()))
    return size > 1e-4, size
"""


def drawn(head="shapes[graph.heads, 0] = 0", what="(kind, *map(int, shape))", match="nx.is_isomorphic"):
    return f"""
def check_drawn(networks, exam):
    def sheet(network):
        graph = hyperinit.architecture_graph(network)
        shapes = graph.shapes.copy()
        {head}
        result = nx.DiGraph()
        for node, (kind, shape) in enumerate(zip(graph.kinds, shapes)):
            result.add_node(node, what={what})
        result.add_edges_from(graph.edges.tolist())
        return result

    same = [{match}(sheet(one), sheet(exam), node_match=lambda a, b: a == b) for one in networks]
    return any(same), sum(same)
"""


CONTROLS = """
def untrained(hyper):
    made = {}

    def start(network, seed):
        if seed not in made:
            number = hyper.settings["seed"] + 1 + seed
            made[seed] = hyperinit.HyperInitializer(**{**hyper.settings, "seed": number})
        made[seed].initialize(network)

    return start


def shuffled(start):
    def mixed(network, seed):
        start(network, seed)
        torch.manual_seed(seed)
        for part in network.parameters():
            part.data = part.data.flatten()[torch.randperm(part.numel())].reshape(part.shape)

    return mixed
"""
REPAIRED = """
class Same(Comparison):
    predicted = ()

    def fit(self, arm, network, train, *numbers):
        super().fit(arm, network, train, *numbers)
        hyperinit.recompute_statistics(network, train.images)


repaired = Same()
"""


def test_reference_solution_of_the_challenge_earns_every_point(points_for, points_of):
    assert points_of(CHALLENGE) == FULL
    assert points_for() == (2, 2, 2, 2, 2)


def test_other_right_ways_earn_every_point_too(points_for):
    assert points_for(
        same=same(),
        blind=blind("images=test.images[:, ::-1] // 2, labels=np.zeros_like(test.labels)"),
        drawn=drawn("shapes = np.where(graph.heads[:, None], [0, 1, 1, 1], 1) * shapes"),
        controls=CONTROLS,
        repair=REPAIRED,
    ) == (2, 2, 2, 2, 2)


def test_no_answer_and_a_check_that_always_or_never_rings_earn_nothing(points_for):
    assert points_for(
        same="def check_same(*what):\n    raise NotImplementedError",
        blind="def check_test(*what):\n    return True, 1.0",
        drawn="def check_drawn(*what):\n    return False, 0",
        controls="def untrained(hyper): pass\n\ndef shuffled(start): pass",
        repair="repaired = found",
    ) == (0, 0, 0, 0, 0)


def test_half_right_answers_earn_half(points_for):
    """Verdict without evidence; drawings as lists, which miss swapped branches; a control without its
    settings; statistics of no arm. The check on test images measures on other images, and that is right."""
    assert points_for(
        same=same(size="0.0"),
        blind=blind(measured="test.images * 0"),
        drawn=drawn().replace("nx.is_isomorphic", "plainly") + PLAINLY,
        controls=CONTROLS.replace("**hyper.settings, ", ""),
        repair="class Neither(Comparison):\n    predicted = ()\n\nrepaired = Neither()",
    ) == (1, 2, 1, 1, 1)


PLAINLY = """

def plainly(one, other, node_match):
    return dict(one.nodes) == dict(other.nodes) and set(one.edges) == set(other.edges)


def without_edges(one, other, node_match):
    return sorted(what for _, what in one.nodes.data("what")) == sorted(
        what for _, what in other.nodes.data("what")
    )
"""


def test_one_sided_answers_earn_nothing_or_half(points_for):
    """Different starts in an A/A test; labels alone; last layers that count; trained numbers as a control;
    test images for the statistics of all arms."""
    assert points_for(
        same=same("starts"),
        blind=blind("labels=test.labels[::-1]"),
        drawn=drawn("pass"),
        controls="def untrained(hyper):\n    return predicted_by(hyper)\n"
        + CONTROLS.replace("def untrained", "def other"),
        repair=REPAIRED.replace(
            "fit(self, arm, network, train, *numbers)", "settle(self, arm, network, train, test)"
        )
        .replace("fit(arm, network, train, *numbers)", "settle(arm, network, train, test)")
        .replace("train.images", "test"),
    ) == (0, 0, 0, 1, 0)


@pytest.mark.parametrize("changes", [{"what": "kind"}, {"match": "without_edges"}])
def test_a_drawing_without_sizes_or_without_edges_is_not_enough(points_for, changes):
    assert points_for(only=["drawn-test"], drawn=drawn(**changes) + PLAINLY) == (0,)


SHUFFLE = "part.data.flatten()[torch.randperm(part.numel())]"
WRONG = {
    "another order each time": ("torch.manual_seed(seed)", "pass"),
    "one order for all seeds": ("torch.manual_seed(seed)", "torch.manual_seed(0)"),
    "sorted": (SHUFFLE, "part.data.flatten().sort().values"),
    "other numbers": (SHUFFLE, "torch.randn(part.numel())"),
    "rows only": (SHUFFLE, "part.data[torch.randperm(len(part))]"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_numbers_that_are_not_the_same_in_another_order_are_no_shuffled_control(points_for, wrong):
    assert points_for(only=["controls-test"], controls=CONTROLS.replace(*WRONG[wrong])) == (1,)
