"""Quiz and challenge of lesson 05: right for any honest run, and a mistake costs its own points only."""

import pytest

QUIZ = "05_model_graphs/quiz.ipynb"
CHALLENGE = "05_model_graphs/challenge.ipynb"
RUN = {
    "cells": 28,
    "cell_pairs": 63,
    "own_edges": 3000,
    "own_fixed_edges": 588,
    "own_weights": 1497,
    "own_biased_neurons": 598,
    "acc_whole_by_seed": [0.96, 0.97, 0.94],
    "acc_skipped_by_seed": [0.58, 0.60, 0.55],
}
SEEDS = ("acc_whole_by_seed", "acc_skipped_by_seed")
RUNS = {
    "clearly worse": {},
    "one seed": {name: RUN[name][:1] for name in SEEDS},
    "two seeds": {name: RUN[name][:2] for name in SEEDS},
    "no change": {name: [0.9, 0.9, 0.9] for name in SEEDS},
    "skipping wins": {"acc_skipped_by_seed": [0.97, 0.98, 0.95]},
    "unclear": {"acc_skipped_by_seed": [0.10, 0.95, 0.96]},
    "nothing to learn": {"own_weights": 0, "own_fixed_edges": 3000, "own_biased_neurons": 0},
    "nothing fixed": {"own_fixed_edges": 0},
    "no neighbours": {"cell_pairs": 0},
}


@pytest.mark.parametrize("run", RUNS)
def test_reference_solution_is_right_for_any_run(marks_of, run, run_results):
    marks = marks_of(QUIZ, before=run_results(RUN, **RUNS[run]))
    assert (marks["q11-test"], marks["q12-test"]) == (3, 4)


def test_reference_solution_earns_every_point(marks_of, run_results, points_of):
    worth = points_of(QUIZ)
    assert sum(worth.values()) == 50
    assert marks_of(QUIZ, before=run_results(RUN)) == worth


# A plausible mistake for each question: the answer cell as a student would write it, and what it earns.
MISTAKES = {
    "q1": (  # takes the cells for the nodes of every graph
        "nodes_cell_graph, neurons, learned_weights = 30, 30, 12\n"
        "node_means, layers_are_nodes = 'a cell', 'operation graph'",
        3,
    ),
    "q2": (  # leaves out the own value
        "middle_once, first_once = 14 / 3, 10\nmiddle_twice, far_rounds = 10, 2",
        1,
    ),
    "q3": ("h1, h2, y, silent_edges = -1, 3, -4.5, 0", 1),  # forgets ReLU
    "q4": (
        "edges, rounds_needed, with_short_cut, with_return = 27, 1, False, False\n"
        "is_message_passing = 'another algorithm than the forward pass'",
        2,
    ),
    "q5": ("weights, edges_5, corner, poorer, edges_stride = 9, 225, 9, 0, 81", 1),  # zeros as neurons
    "q6": ("edges_a, numbers_a, numbers_b, numbers_a_large = 4608, 4616, 808, 800_000", 2),
    "q7": ("three_layers, stride_first, reached, means = 9, 5, 9, 'a little'", 0),
    "q8": (  # gives the mean the input's gain, keeps empty layers as neurons
        "gain_input, gain_one, norm_of_9, pool_gap, flatten_nodes = 1 / 3, -6, 2.5, 1, 392",
        3,
    ),
    "q9": ("mean_gap, gap_high, supported, notices = -0.494, -0.319, True, 'no error was raised'", 2),
    "q10": ("changed, twins, twins_two = ['the outputs'], 3, 12", 0),
    "q11": ("own_neighbours, own_sharing, own_untied = 63 / 28, 3000 / 1497, 3000", 0),
    "q12": ("own_gap, own_low, own_worst, own_verdict = -0.38, -0.4, 0.39, 'worse'", 3),  # 1.96 for t
}


@pytest.mark.parametrize("question", MISTAKES)
def test_a_plausible_mistake_costs_its_own_points_and_no_others(outcome_of, question):
    source, earned = MISTAKES[question]
    assert outcome_of(QUIZ, RUN, question, source) == (earned, [])


FULL = {"output-test": 3, "sharing-test": 4, "inside-test": 3}


def rule(condition="0 <= p + k < length", number="number[o, c, abs(k)]", sender="x.ids[0, c, p + k]"):
    """A student's rule, right unless a part is replaced."""
    return f"""
def mirror_rule(build, module, x):
    outputs, channels, _ = module.weight.shape
    number, shift = build.weights(module.weight).ids, build.weights(module.bias).ids
    length, far = x.shape[-1], module.reach
    rows = []
    for o in range(outputs):
        for p in range(length):
            for c in range(channels):
                for k in range(-far, far + 1):
                    if {condition}:
                        rows.append((int({sender}), o * length + p, int({number})))
    s, d, w = torch.tensor(rows).T
    return build.neurons((outputs, length), s, d, w, bias=shift.repeat_interleave(length))
"""


def test_reference_rule_and_another_right_rule_earn_every_point(marks_of):
    assert marks_of(CHALLENGE) == FULL
    assert marks_of(CHALLENGE, {"solve": rule()}) == FULL


@pytest.mark.parametrize(
    ("solve", "points"),
    [
        ("def mirror_rule(build, module, x):\n    return None", (0, 0, 0)),
        ("def mirror_rule(build, module, x):\n    raise NotImplementedError", (0, 0, 0)),
        (rule(number="number[o, c, max(k, 0)]"), (1, 0, 0)),  # no mirror: only reach 0 is right
        (rule(sender="c * length + p + k"), (3, 4, 0)),  # takes places for ids of neurons
        (rule(condition="0 <= p + k < length and k >= 0"), (1, 0, 0)),  # half of the kernel
    ],
)
def test_a_wrong_rule_earns_only_what_it_gets_right(marks_of, solve, points):
    marks = marks_of(CHALLENGE, {"solve": solve})
    assert tuple(marks[name] for name in FULL) == points


def test_a_rule_that_copies_numbers_has_right_outputs_and_loses_the_points_for_sharing(marks_of):
    copying = """
def mirror_rule(build, module, x):
    kernel = torch.cat([module.weight.flip(-1)[..., :-1], module.weight], -1).detach().requires_grad_()
    number, shift = build.weights(kernel).ids, build.weights(module.bias).ids
    outputs, channels, width = kernel.shape
    length, far = x.shape[-1], module.reach
    rows = [
        (int(x.ids[0, c, p + k - far]), o * length + p, int(number[o, c, k]))
        for o in range(outputs) for p in range(length) for c in range(channels) for k in range(width)
        if 0 <= p + k - far < length
    ]
    s, d, w = torch.tensor(rows).T
    return build.neurons((outputs, length), s, d, w, bias=shift.repeat_interleave(length))
"""
    marks = marks_of(CHALLENGE, {"solve": copying})
    assert tuple(marks[name] for name in FULL) == (3, 2, 3)
