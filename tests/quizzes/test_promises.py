"""Every quiz and challenge of the course keeps what it promises.

Solutions earn all points for any run of the lesson, untouched releases none, each stated wrong answer loses
the stated points, and nothing hidden is in releases, in feedback or in the package.
"""

from pathlib import Path

import pytest

from teachkit.course.assessment.check import check_package, check_topic, topics

QUIZZES = Path(__file__).resolve().parents[2] / "quizzes"
TOPICS = [folder.name for folder in topics(QUIZZES)]
CHALLENGES = [topic for topic in TOPICS if (QUIZZES / "source" / topic / "challenge.ipynb").is_file()]


@pytest.mark.parametrize("topic", TOPICS)
def test_the_quiz_keeps_its_promises(isolated, topic):
    assert check_topic(QUIZZES / "source" / topic, ["quiz"]) == []


@pytest.mark.slow
@pytest.mark.parametrize("topic", CHALLENGES)
def test_the_challenge_keeps_its_promises(isolated, topic):
    assert check_topic(QUIZZES / "source" / topic, ["challenge"]) == []


def test_the_package_shows_no_solution():
    assert check_package(QUIZZES) == []


def test_every_lesson_has_a_quiz_and_all_but_the_first_a_challenge(root):
    lessons = [path.stem for path in sorted((root / "notebooks").glob("0*.ipynb"))]
    assert lessons == TOPICS
    assert lessons[1:] == CHALLENGES
