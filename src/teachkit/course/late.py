"""What lateness costs: a grace period, a share of the points for each day begun, and an upper limit.

nbgrader asks this plug-in when it grades a late hand-in. The time is the server's, and extensions of the
roster are taken off before nbgrader calls anything late.
"""

import math
from datetime import timedelta

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float, Integer

DAY = timedelta(days=1)


def penalty(
    score: float,
    late: timedelta,
    *,
    grace: timedelta = timedelta(minutes=10),
    per_day: float = 0.1,
    most: float = 0.5,
) -> float:
    """Points taken from `score` for a hand-in that is `late`: `per_day` of it for each day begun.

    >>> penalty(20, timedelta(minutes=5)), penalty(20, timedelta(hours=1)), penalty(20, timedelta(days=30))
    (0.0, 2.0, 10.0)
    """
    if late <= grace:
        return 0.0
    return score * min(most, per_day * math.ceil(late / DAY))


class LatePolicy(LateSubmissionPlugin):
    """`penalty` with the numbers of ``c.LatePolicy`` in ``nbgrader_config.py``."""

    grace_minutes = Integer(10, help="So late a hand-in costs nothing.").tag(config=True)
    per_day = Float(0.1, help="Share of the points that each day begun costs.").tag(config=True)
    most = Float(0.5, help="Largest share that lateness can cost.").tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float:
        """The points to take from one notebook."""
        return penalty(
            score,
            timedelta(seconds=total_seconds_late),
            grace=timedelta(minutes=self.grace_minutes),
            per_day=self.per_day,
            most=self.most,
        )
