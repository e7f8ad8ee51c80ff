"""The quiz of lesson 02: what is special about it."""

QUIZ = "02_augmentation/quiz.ipynb"


def test_the_key_of_the_auc_question_is_the_auc_of_scikit_learn(marks_of, run_results):
    check = (
        "from sklearn.metrics import roc_auc_score\nkept = nearest <= 0.95\ntwins = (~kept).sum()\n"
        "auc_all, auc_without = roc_auc_score(label, score), roc_auc_score(label[kept], score[kept])\n"
        "to_report = 'without'"
    )
    assert marks_of(QUIZ, {"q6-answer": check}, before=run_results("02"))["q6-test"] == 4


def test_a_verdict_by_rule_of_thumb_is_wrong_when_the_other_arm_wins(marks_of, run_results):
    answer = "own_difference, own_low, own_high, own_verdict = 0.033, 0.02, 0.05, 'augmented'"
    marks = marks_of(QUIZ, {"q12-answer": answer}, before=run_results("02", "plain wins"))
    assert marks["q12-test"] == 0
