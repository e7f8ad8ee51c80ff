"""nbgrader's settings for this course; what is not said here is nbgrader's default."""

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import GetGrades

from teachkit.course.assessment.naming import NameStudent
from teachkit.course.box.choice import use_box
from teachkit.course.exchange import use_bucket
from teachkit.course.feedback import HideTests

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.course_id = "teachkit"

# A comment instead of NotImplementedError: an untouched quiz runs from top to bottom, and partial credit
# stays possible when one part of a question is still open.
c.ClearSolutions.code_stub = {"python": "# your code here"}

# The default of 30 s is too short for a challenge that trains a small network on a busy machine.
c.Execute.timeout = 300

# Work of students runs in a box, its tests in another one; what was changed in a notebook is put back and
# noted in grading/. Where no box can be built nothing is graded, unless TEACHKIT_UNBOXED=1 says so.
use_box(c)

# Some questions draw their numbers for each student, once a term is named here and in TEACHKIT_TERM on the
# machines of students. Without it everybody has the same numbers.
c.NameStudent.term = ""
c.Autograde.autograde_preprocessors.insert(0, NameStudent)

# By default the feedback page shows hidden tests and mark schemes. HideTests comes before the page is made.
c.GenerateFeedback.preprocessors = [GetGrades, HideTests, CSSHTMLHeaderPreprocessor]

# A tenth of the points for each day begun, at most half; the time is the server's.
c.AssignLatePenalties.plugin_class = "teachkit.course.late.LatePolicy"

# With TEACHKIT_EXCHANGE=gs://BUCKET/PREFIX work goes out and comes back through a bucket; without it through
# nbgrader's own folder.
use_bucket(c)
