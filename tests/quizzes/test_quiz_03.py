"""The quiz of lesson 03: right for any honest run, and plausible mistakes cost their own points only."""

import pytest

QUIZ = "03_segmentation/quiz.ipynb"
RUN = {
    "rare_true_positives": 320,
    "rare_false_positives": 80,
    "rare_false_negatives": 120,
    "true_objects": 210,
    "objects_perfect_mask": 180,
    "objects_predicted": 171,
    "rare_dice_plain_by_seed": [0.41, 0.44, 0.39],
    "rare_dice_weighted_by_seed": [0.52, 0.55, 0.53],
    "acc_plain_by_seed": [0.95, 0.951, 0.949],
    "acc_weighted_by_seed": [0.93, 0.94, 0.935],
}
SEEDS = ("rare_dice_plain_by_seed", "rare_dice_weighted_by_seed", "acc_plain_by_seed", "acc_weighted_by_seed")
RUNS = {
    "clear gain": {},
    "one seed": {name: RUN[name][:1] for name in SEEDS},
    "all equal": {name: [0.5, 0.5, 0.5] for name in SEEDS},
    "plain wins": {
        "rare_dice_plain_by_seed": [0.7, 0.71, 0.72],
        "rare_dice_weighted_by_seed": [0.5, 0.52, 0.51],
    },
    "unclear": {"rare_dice_weighted_by_seed": [0.30, 0.60, 0.45]},
    "two seeds": {name: RUN[name][:2] for name in SEEDS},
    "rare class never found": {"rare_true_positives": 0, "rare_false_positives": 0},
    "rare class perfect": {"rare_false_positives": 0, "rare_false_negatives": 0},
    "too many pieces": {"objects_perfect_mask": 260, "objects_predicted": 900},
    "no object found": {"objects_predicted": 0},
}


@pytest.mark.parametrize("run", RUNS)
def test_reference_solution_is_right_for_any_run(marks_of, run, run_results):
    marks = marks_of(QUIZ, before=run_results(RUN, **RUNS[run]))
    assert (marks["q11-test"], marks["q12-test"]) == (4, 4)


def test_reference_solution_earns_every_point(marks_of, run_results, points_of):
    worth = points_of(QUIZ)
    assert marks_of(QUIZ, before=run_results(RUN)) == worth


# A plausible mistake for each question: the answer cell as a student would write it, and what it earns.
MISTAKES = {
    "q1": (  # takes recall for Dice, and leaves the absent class out of the mean
        "accuracy, best_without_hair = 0.955, 0.97\n"
        "dice_tissue, dice_hair, mean_dice = 9200 / 9400, 0.0, 0.98",
        3,
    ),
    "q2": ("dice, iou, iou_of_08, dice_of_05 = 0.6, 0.75, 0.8 / 1.2, 2 / 3", 2),  # the two names exchanged
    "q3": ("one_mask, disagree = True, 'Y'\nmean_iou_a, mean_iou_b = 0.6 / 1.4, 0.59 / 1.41", 2),
    "q4": (  # an empty picture scores 0, and pooling is a mean
        "mean_left_out = mean_as_zero = 0.47556\nmean_as_one, pooled = 0.67556, 0.5944",
        2,
    ),
    "q5": ("broken, appeared = ['b'], 1\nfor_masks, brightness = 'bilinear', 'darker too'", 1),
    "q6": (  # forgets to divide by the weights
        "weight_background, weight_hair = 1 / 0.6, 1 / 0.05\nplain, weighted = 0.8574, 1.98\n"
        "effect = 'finds more at no cost'",
        1,
    ),
    "q7": ("first_level, last_level, final_layer, bottom = 38_592, 147_456, 256, 64", 1),  # no biases
    "q8": ("supported, settle = ['a', 'c', 'd', 'e'], 'more seeds'", 1),  # not shown to differ = equal
    "q9": (  # counts pieces, trusts Dice
        "true_count, count_from_perfect = 4, 4\ndice_without_small, missed_share = 11 / 12, 8 / 52\n"
        "hidden_by = 'Dice'",
        2,
    ),
    "q10": ("repeatable, reader_is_misled = ['Dia'], 'Cem'\nspread = 0.012", 2),
    "q11": (
        "own_dice, own_iou = 320 / 400, 320 / 520\nown_lost, own_count_error = 180 / 210, 171 / 210 - 1",
        2,
    ),
    "q12": ("own_gain, own_low, own_price, own_verdict = 0.12, 0.10, -0.015, 'weighted'", 3),  # 1.96 for t
}


@pytest.mark.parametrize("question", MISTAKES)
def test_a_plausible_mistake_costs_its_own_points_and_no_others(outcome_of, question):
    source, earned = MISTAKES[question]
    assert outcome_of(QUIZ, RUN, question, source) == (earned, [])
