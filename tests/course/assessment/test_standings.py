"""The table of a class: scores, budgets, bands, and one bad file that stops nobody."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from teachkit import data
from teachkit.cli.classroom import app
from teachkit.course.assessment.standings import HIDDEN, HONOUR, Rules, over_budget, read_rules, standings
from teachkit.course.challenge import PREDICTIONS, save_arrays, save_predictions
from teachkit.errors import LessonError, UnknownNameError
from teachkit.metrics import balanced_accuracy

RULES = """
assignment = "01_topic"
score = "balacc"
truth = "toy_truth.npz"
max_steps = 300
max_seconds = 60
bands = [[0.5, 1], [0.75, 4], [0.9, 7]]
"""
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])


@pytest.fixture
def rules(tmp_path):
    """Rules on eight hidden labels."""
    save_arrays(tmp_path / "toy_truth.npz", {"labels": LABELS, "data": "toy", "task": "binary"})
    (tmp_path / "rules.toml").write_text(RULES)
    return tmp_path / "rules.toml"


@pytest.fixture
def hand_in(tmp_path):
    """`hand_in(student, right)`: predictions that are right for the first `right` of each class."""

    def write(student, right=4, steps=10, seconds=5.0, name="toy", labels=LABELS):
        folder = tmp_path / "submitted" / student / "01_topic"
        folder.mkdir(parents=True)
        place = np.concatenate([np.arange((labels == k).sum()) for k in (0, 1)])
        said = np.where(place < right, labels, 1 - labels)
        return save_predictions(
            np.eye(2)[said] * 0.8 + 0.1, steps=steps, data=name, seconds=seconds, path=folder / PREDICTIONS
        )

    return write


def table(rules, tmp_path, **settings):
    found = standings(read_rules(rules), tmp_path / "submitted", **settings)
    return found.set_index("student")


def test_scores_become_points_by_the_highest_band_that_is_reached(rules, hand_in, tmp_path):
    for student, right in {"ada": 4, "ben": 3, "cem": 2, "dia": 1}.items():
        hand_in(student, right)
    found = table(rules, tmp_path)
    assert found["score"].to_dict() == {"ada": 1, "ben": 0.75, "cem": 0.5, "dia": 0.25}
    assert found["points"].to_dict() == {"ada": 7, "ben": 4, "cem": 1, "dia": 0}
    assert list(found["rank"]) == [1, 2, 3, 4]
    assert set(found["trust"]) == {HIDDEN}


def test_equal_scores_share_a_rank(rules, hand_in, tmp_path):
    for student, right in {"ada": 3, "ben": 4, "cem": 4}.items():
        hand_in(student, right)
    assert table(rules, tmp_path)["rank"].to_dict() == {"ben": 1, "cem": 1, "ada": 3}


@pytest.mark.parametrize(
    ("used", "said"),
    [
        ({"steps": 301}, "301 steps; allowed are 0 to 300"),
        ({"steps": -1}, "-1 steps"),
        ({"seconds": 61}, "61 s of training; allowed are 60 s"),
        ({"seconds": None}, "does not say how many seconds"),
    ],
)
def test_a_run_over_its_budget_gets_a_score_and_no_points(rules, hand_in, tmp_path, used, said):
    hand_in("ada", **used)
    row = table(rules, tmp_path).loc["ada"]
    assert (row["score"], row["points"]) == (1, 0)
    assert said in row["note"]


def test_without_limits_nothing_is_over_budget():
    assert over_budget(Rules("a", "auc", ((0.5, 1),)), 10**9, None) == ""


def test_one_bad_file_stops_nobody(rules, hand_in, tmp_path):
    hand_in("ada")
    hand_in("ben").write_bytes(b"no archive")
    hand_in("cem", labels=LABELS[:4])
    hand_in("dia", name="another")
    hand_in("eva").unlink()
    found = table(rules, tmp_path, students=["fee"])
    assert found["points"].to_dict() == {"ada": 7, "ben": 0, "cem": 0, "dia": 0, "eva": 0, "fee": 0}
    assert pd.isna(found.loc["ben", "rank"])
    for student, said in {
        "ada": "",
        "ben": "cannot be read",
        "cem": "differ",
        "dia": "takes those for toy",
        "eva": "There is no predictions.npz",
        "fee": "nothing handed in",
    }.items():
        assert said in found.loc[student, "note"]


def test_labels_of_a_public_set_count_on_honour(offline, rules, hand_in, tmp_path):
    truth = data.load("ihc_patches", "test").labels[:, 0]
    hand_in("ada", 10, name="ihc_patches", labels=truth)
    hand_in("ben", name="fundus_vessels", labels=truth)
    rules.write_text(RULES.replace('truth = "toy_truth.npz"', 'data = ["ihc_patches"]'))
    found = table(rules, tmp_path)
    place = np.concatenate([np.arange((truth == k).sum()) for k in (0, 1)])
    expected = balanced_accuracy(truth, np.where(place < 10, truth, 1 - truth))
    assert found.loc["ada", "score"] == pytest.approx(expected)
    assert found.loc["ada", "trust"] == HONOUR
    assert "takes those for ihc_patches" in found.loc["ben", "note"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[[0.5, 1], [0.75, 4], [0.9, 7]]", "[[0.5, 4], [0.4, 7]]", "pairs that rise"),
        ("[[0.5, 1], [0.75, 4], [0.9, 7]]", "[[0.5, 4], [0.6, 3]]", "pairs that rise"),
        ("[[0.5, 1], [0.75, 4], [0.9, 7]]", "[]", "pairs that rise"),
        ("[[0.5, 1], [0.75, 4], [0.9, 7]]", "[0.5]", "pairs that rise"),
        ('truth = "toy_truth.npz"', "", "neither of 'data' and 'truth'"),
        ("max_steps", 'data = ["toy"]\nmax_steps', "both of 'data' and 'truth'"),
        ("max_steps", "max_step", "means nothing here"),
        ('"01_topic"', "[", "cannot be read"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(rules, old, new, said):
    rules.write_text(RULES.replace(old, new))
    with pytest.raises(LessonError, match=said):
        read_rules(rules)


def test_an_unknown_score_is_refused_with_the_known_ones(rules):
    rules.write_text(RULES.replace("balacc", "balanced"))
    with pytest.raises(UnknownNameError, match="balacc"):
        read_rules(rules)


def test_the_commands_make_a_hidden_test_and_the_table_of_a_class(offline, tmp_path, monkeypatch):
    monkeypatch.setattr("teachkit.data.sources._registered", {})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("sixteen letters or more")
    made = CliRunner().invoke(app, ["make-hidden", "ihc_patches", "--secret", "key", "--as", "toy"])
    assert made.exit_code == 0, made.output
    assert "Keep hidden/instructor/toy_truth.npz and the key to yourself." in made.output
    (tmp_path / "hidden" / "instructor" / "rules.toml").write_text(RULES)
    data.register_folder(tmp_path / "hidden" / "class")
    blind = data.load("toy", "test")
    folder = tmp_path / "submitted" / "ada" / "01_topic"
    folder.mkdir(parents=True)
    half = np.full((len(blind), 2), 0.5)
    save_predictions(half, steps=0, data="toy", seconds=1, path=folder / PREDICTIONS)
    shown = CliRunner().invoke(app, ["standings", "hidden/instructor/rules.toml", "--out", "table.csv"])
    assert shown.exit_code == 0, shown.output
    assert "balacc, hidden labels" in shown.output
    assert pd.read_csv("table.csv").loc[0, ["student", "score", "points"]].tolist() == ["ada", 0.5, 1]
