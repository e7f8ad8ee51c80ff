"""Self-checks: strict files, one right answer, a live form and a text form."""

import json
import re
from html.parser import HTMLParser

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from teachkit.course.quizzes import check_self_checks, read_strictly, show, static_html
from teachkit.errors import LessonError, UnknownNameError

GOOD = {
    "question": "Half of 4 is?",
    "type": "multiple_choice",
    "answers": [
        {"answer": "one", "correct": False, "feedback": "That is a quarter."},
        {"answer": "two", "correct": True, "feedback": "Two and two make four."},
        {"answer": "three", "correct": False, "feedback": "Twice three is six."},
    ],
}
NUMERIC = {
    "question": "Half of 4 is?",
    "type": "numeric",
    "answers": [
        {"type": "value", "value": 2, "correct": True, "feedback": "Yes."},
        {"type": "range", "range": [3, 5], "correct": False, "feedback": "Too much."},
        {"type": "default", "feedback": "Divide by two."},
    ],
}


def changed(base=GOOD, answer=None, **changes):
    copy = json.loads(json.dumps(base))
    if answer is not None:
        copy["answers"][answer].update(changes)
    else:
        copy.update(changes)
    return json.dumps([copy])


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "quizzes" / "self_checks").mkdir(parents=True)
    return tmp_path / "quizzes" / "self_checks"


def faults(folder, text):
    (folder / "01_topic.json").write_text(text)
    return " ".join(map(str, check_self_checks(folder)))


@pytest.mark.parametrize("good", [json.dumps([GOOD]), json.dumps([NUMERIC])])
def test_a_sound_file_has_no_fault(folder, good):
    assert faults(folder, good) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[{},]", "not strict JSON"),
        ('[{"question": "a", "question": "b"}]', "'question' is given twice"),
        ("[NaN]", "NaN is not JSON"),
        ("[1, 2] // note", "not strict JSON"),
        ("\ufeff[]", "not strict JSON"),
        ("[]", "list of questions"),
        ("{}", "list of questions"),
        (changed(answer=0, correct=True), "2 right answers"),
        (changed(answer=1, correct=False), "0 right answers"),
        (changed(answer=0, correct="no"), "not true or false"),
        (changed(answer=2, feedback=" "), "Answer 3 has no feedback"),
        (changed(answers=GOOD["answers"][:2]), "2 options"),
        (changed(answers=[*GOOD["answers"], GOOD["answers"][0]]), "say the same"),
        (changed(answers="two"), "list of answers"),
        (changed(type="many_choice"), "'many_choice'"),
        (changed(question=""), "needs a text"),
        (changed(answers=[{**GOOD["answers"][0], "feedback": "a < b"}, *GOOD["answers"][1:]]), "use words"),
        (json.dumps([GOOD, GOOD]), "asks twice"),
        (json.dumps([{**NUMERIC, "question": "How many?"}]), "must give its numbers"),
        (json.dumps([{**NUMERIC, "answers": NUMERIC["answers"][:2]}]), "type 'default'"),
        (changed(NUMERIC, answer=1, range=[5, 3]), "no value, range or default"),
        (changed(NUMERIC, answer=0, value="2"), "no value, range or default"),
    ],
)
def test_each_fault_is_named_with_its_file(folder, text, said):
    found = faults(folder, text)
    assert said in found
    assert "01_topic.json" in found


@pytest.mark.parametrize(
    "words",
    [
        "Is the AUC of your model above 0.9?",
        "Which arm won in this run?",
        "What did you just measure? You got 3.",
    ],
)
def test_a_question_that_hangs_on_one_run_is_refused(folder, words):
    assert "depends on one run" in faults(folder, json.dumps([{**GOOD, "question": words}]))


def test_an_empty_folder_is_a_fault(folder):
    assert "holds no self-check" in str(check_self_checks(folder)[0])


def test_the_files_of_the_course_have_no_fault_and_cover_its_lessons(root):
    folder = root / "quizzes" / "self_checks"
    assert check_self_checks(folder) == []
    assert {path.stem for path in folder.glob("*.json")} == {
        path.parent.name for path in (root / "quizzes" / "source").glob("*/quiz.ipynb")
    }


def test_the_right_answer_is_not_always_at_the_same_place(root):
    for path in (root / "quizzes" / "self_checks").glob("*.json"):
        choices = [q for q in read_strictly(path) if q["type"] == "multiple_choice"]
        places = {[a["correct"] for a in q["answers"]].index(True) for q in choices}
        assert len(places) > 1, path


def test_the_text_form_has_every_word_and_folds_every_feedback(root):
    for path in sorted((root / "quizzes" / "self_checks").glob("*.json")):
        questions = read_strictly(path)
        page = Page(static_html(questions))
        for question in questions:
            assert question["question"] in page.open
            for answer in question["answers"]:
                assert answer["feedback"] in page.folded
                assert answer["feedback"] not in page.open
                assert ("Right." if answer.get("correct") else "Not right.") in page.folded
        assert "script" not in page.tags
        assert page.tags.count("details") == sum(len(q["answers"]) for q in questions)


def test_headless_shows_the_text_form_only(root, monkeypatch):
    monkeypatch.setenv("TEACHKIT_HEADLESS", "1")
    outputs = shown("01", root)
    assert len(outputs) == 1
    assert "<details>" in outputs[0]["text/html"]


def test_live_shows_jupyterquiz_with_the_text_form_folded_below(root, monkeypatch):
    monkeypatch.delenv("TEACHKIT_HEADLESS", raising=False)
    outputs = shown("01", root)
    script = next(out["application/javascript"] for out in outputs if "application/javascript" in out)
    sent = json.loads(re.search(r"var questions\w+=(\[.*?\]);\n", script, re.DOTALL).group(1))
    assert sent == read_strictly(root / "quizzes" / "self_checks" / "01_classification.json")
    assert outputs[-1]["text/html"].startswith("<details><summary>")


def test_unknown_lesson_and_broken_file_are_one_sentence(folder, tmp_path):
    (folder / "01_topic.json").write_text("[{},]")
    with pytest.raises(UnknownNameError, match=r"No self-check for lesson '07'.*01"):
        show("07", root=tmp_path)
    with pytest.raises(LessonError, match="not strict JSON"):
        show("01", root=tmp_path)


def shown(lesson, root):
    InteractiveShell.instance()
    with capture_output() as captured:
        show(lesson, root=root)
    return [output.data for output in captured.outputs]


class Page(HTMLParser):
    """Texts of a page inside and outside of folds, where a summary is outside."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.depth, self.summary = [], 0, 0
        self.open = self.folded = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.depth += tag == "details"
        self.summary += tag == "summary"

    def handle_endtag(self, tag):
        self.depth -= tag == "details"
        self.summary -= tag == "summary"

    def handle_data(self, data):
        if self.depth and not self.summary:
            self.folded += data
        else:
            self.open += data
