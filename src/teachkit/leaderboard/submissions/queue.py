"""The queue is a table. A worker holds a job by a lease that it renews; that of a dead one ends."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from teachkit.leaderboard.submissions import models
from teachkit.leaderboard.submissions.models import Job, Result, Score, Submission

log = logging.getLogger(__name__)
MOST_FAULTS_KEPT = 200


def claim(worker: str) -> Job | None:
    """The oldest job that nobody holds, now held by `worker`; None when there is none.

    The update names the state it expects, so of two workers who saw the same job one gets it.
    """
    now = models.now()
    lease = timedelta(seconds=settings.LEASE_SECONDS)
    # A lease that ends in a far future was given before the clock was set back.
    over = Q(lease_until__lt=now) | Q(lease_until__gt=now + 2 * lease)
    free = Q(state=Job.State.WAITING) | Q(over, state=Job.State.RUNNING)
    for job in Job.objects.filter(free).order_by("created", "pk")[:5]:
        if job.attempts >= settings.MOST_ATTEMPTS:
            give_up(job, "Each worker that scored it died.")
            continue
        with transaction.atomic():
            held = Job.objects.filter(free, pk=job.pk, attempts=job.attempts)
            taken = held.update(
                state=Job.State.RUNNING,
                worker=worker,
                attempts=job.attempts + 1,
                lease_until=now + lease,
            )
            if taken:
                fresh = Submission.objects.filter(pk=job.submission_id, state=Submission.State.WAITING)
                fresh.update(state=Submission.State.SCORING)
        if taken:
            return Job.objects.select_related("submission__challenge", "submission__team").get(pk=job.pk)
    return None


def renew(job: Job) -> bool:
    """Hold the job a little longer; False when another worker has it."""
    until = models.now() + timedelta(seconds=settings.LEASE_SECONDS)
    return bool(_mine(job).update(lease_until=until))


def finish(job: Job, found: dict[str, Any]) -> bool:
    """Write what was found, all at once; False when the job is no longer ours, and nothing is written."""
    with transaction.atomic():
        submission = Submission.objects.select_for_update().get(pk=job.submission_id)
        if not _mine(job).update(state=Job.State.DONE, lease_until=None):
            return False
        if "faults" in found:
            submission.state = Submission.State.REJECTED
            submission.faults = found["faults"][:MOST_FAULTS_KEPT]
            count = len(found["faults"])
            submission.trouble = f"The file has {count:,} fault{'s' if count > 1 else ''}."
        else:
            _write_scores(submission, job.scorer, found)
            submission.state = Submission.State.SCORED
            submission.faults, submission.trouble = [], ""
        submission.save(update_fields=["state", "faults", "trouble"])
    return True


def give_up(job: Job, reason: str) -> None:
    """After a failure of ours: wait for another attempt, or give the slot back when there were enough."""
    with transaction.atomic():
        submission = Submission.objects.select_for_update().get(pk=job.submission_id)
        over = job.attempts >= settings.MOST_ATTEMPTS
        state = Job.State.FAILED if over else Job.State.WAITING
        if not _mine(job).update(state=state, lease_until=None):
            return
        if submission.results.exists():
            return  # a repeated scoring failed: the scores before it stay in force
        if over:
            submission.state = Submission.State.FAILED
            submission.counts = False
            submission.trouble = reason[:300]
        else:
            submission.state = Submission.State.WAITING
        submission.save(update_fields=["state", "counts", "trouble"])
    log.error("scoring failed", extra={"job": job.pk, "attempt": job.attempts, "reason": reason})


def _mine(job: Job) -> Any:
    return Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, worker=job.worker, attempts=job.attempts)


def _write_scores(submission: Submission, scorer: str, found: dict[str, Any]) -> None:
    Result.objects.filter(submission=submission).update(current=False)
    Score.objects.filter(submission=submission).update(current=False)
    result, fresh = Result.objects.update_or_create(
        submission=submission, scorer=scorer, defaults={"current": True, "detail": found}
    )
    if not fresh:
        result.scores.all().delete()
    rows = []
    for part, told in found["parts"].items():
        places = {**told["sets"], **({"mean": told["mean"]} if told["rankable"] else {})}
        for place, values in places.items():
            limits = told["intervals"].get(place, {})
            for metric, value in values.items():
                if value is None:
                    continue
                low, high = limits.get(metric) or (None, None)
                rows.append(
                    Score(
                        result=result,
                        submission=submission,
                        challenge_id=submission.challenge_id,
                        size=submission.size,
                        part=part,
                        place=place,
                        metric=metric,
                        value=value,
                        low=low,
                        high=high,
                    )
                )
    Score.objects.bulk_create(rows)
