"""Quiz and challenge of lesson 07: right for any honest run, and a mistake costs its own points only."""

import ast
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import torch
from torch import nn

from teachkit import hyperinit
from teachkit.hyperinit.gated import GatedGNN

QUIZ = "07_hyperinit/quiz.ipynb"
CHALLENGE = "07_hyperinit/challenge.ipynb"
RUN = {
    "tuned_trained_by_seed": [0.84, 0.86, 0.83],
    "tuned_shuffled_by_seed": [0.83, 0.835, 0.84],
    "tuned_self_supervised_by_seed": [0.90, 0.91, 0.88],
    "pretrain_seconds": 24.3,
    "predict_seconds": 0.05,
    "own_seconds": 1.1,
}
SEEDS = [name for name in RUN if name.endswith("by_seed")]
RUNS = {
    "unclear": {},
    "one seed": {name: RUN[name][:1] for name in SEEDS},
    "two seeds": {name: RUN[name][:2] for name in SEEDS},
    "arrangement helps": {"tuned_shuffled_by_seed": [0.74, 0.77, 0.73]},
    "arrangement harms": {"tuned_shuffled_by_seed": [0.94, 0.97, 0.93]},
    "all starts are equal": dict.fromkeys(SEEDS, RUN["tuned_trained_by_seed"]),
    "the detour is better": {"tuned_self_supervised_by_seed": [0.7, 0.7, 0.7]},
    "prediction saves nothing": {"predict_seconds": 1.1},
    "prediction is slower": {"predict_seconds": 3.0},
    "it pays at once": {"pretrain_seconds": 0.6},
    "a whole number of networks": {"pretrain_seconds": 21.0},
    "it pays late": {"own_seconds": 0.0501},
}


@pytest.mark.parametrize("run", RUNS)
def test_reference_solution_is_right_for_any_run(marks_of, run, run_results):
    marks = marks_of(QUIZ, before=run_results(RUN, **RUNS[run]))
    assert (marks["q11-test"], marks["q12-test"]) == (3, 3)


def test_reference_solution_earns_every_point(marks_of, run_results, points_of):
    worth = points_of(QUIZ)
    assert sum(worth.values()) == 50
    assert marks_of(QUIZ, before=run_results(RUN)) == worth


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


# A plausible mistake for each question: the answer cell as a student would write it, and what it earns.
MISTAKES = {
    "q1": (  # all nodes at the same time, and b hears a because both are read by concat
        "concat_forwards, input_back, concat_at_once, concat_code = 3, 6, 3, 5\n"
        "reach_a = ['input', 'b', 'concat']",
        1,
    ),
    "q2": (  # a node for each ReLU, and no virtual edges
        "nodes, edges, pairs, strength = 12, 12, 12, 1 / 2",
        0,
    ),
    "q3": (  # every number is its own
        "different, twin, times_0_0, times_0_40 = 128 * 96 * 9, 36, 1, 1\nfactor = np.sqrt(2 / (64 * 9))",
        1,
    ),
    "q4": (  # the networks are trained
        "slope_w1, slope_theta, w1_after, loss_3_after, keeps = -2, -3, 1.1, 0.5, 'in both'",
        1,
    ),
    "q5": (  # who turns well diagnoses well
        "rank_correlation, gain, gain_low, shown = 0.8, -0.01, -0.0422, ['A', 'B']",
        1,
    ),
    "q6": (  # takes the lead over Kaiming for knowledge, with 1.96 for t
        "over_kaiming, over_shuffled, shuffled_high, clear = 0.0435, 0.002, 0.0087, ['Kaiming']\n"
        "because = 'the arrangement of the numbers carries knowledge'",
        2,
    ),
    "q7": (  # chooses rates on the test set, and trusts in the best epoch
        "gap_published, one_sided, fair_gap, rise, false_gap = 0.05, 0.08, -0.005, 0, 0",
        2,
    ),
    "q8": (  # accuracy of all images for the share of right signs
        "loss_h, accuracy_h, sign, like = 0.693, 0.5, 95 / 200, 'H'",
        1,
    ),
    "q9": (  # a high share is knowledge
        "no_answer, layout, most = ['C', 'D'], ['A', 'D'], 'A'\n"
        "learned_in_d = 'the direction in which cells grow'",
        0,
    ),
    "q10": ("claims_too_much, strangers, test_labels_used = [], ['A', 'B', 'C', 'D'], 0", 1),
    "q11": ("own_gap, own_low, own_verdict = 0.00833, -0.0137, 'unclear'", 2),  # 1.96 for t
    "q12": (  # turns the difference round
        "own_pays, own_ten, own_better = 24, 11 - 24.8, 'trained'",
        1,
    ),
}


@pytest.mark.parametrize("question", MISTAKES)
def test_a_plausible_mistake_costs_its_own_points_and_no_others(outcome_of, question):
    source, earned = MISTAKES[question]
    assert outcome_of(QUIZ, RUN, question, source) == (earned, [])


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
