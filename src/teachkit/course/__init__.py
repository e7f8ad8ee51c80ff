"""Running the course: what notebooks call to begin, record, check themselves and close."""

from teachkit.course.boxes import closing as closing
from teachkit.course.boxes import preflight as preflight
from teachkit.course.cards import ModelCard as ModelCard
from teachkit.course.cards import model_card as model_card
from teachkit.course.quizzes import show as self_check
from teachkit.course.records import Run as Run
from teachkit.course.records import place_results as place_results
from teachkit.course.records import record as record

__all__ = ["ModelCard", "Run", "closing", "model_card", "place_results", "preflight", "record", "self_check"]
