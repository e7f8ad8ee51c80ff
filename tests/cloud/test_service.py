"""A job's life against a stand-in for the service: each state, lost replies, silence, quota, time over."""

from dataclasses import replace
from typing import Any

import pytest
from google.auth import exceptions as auth

from teachkit.cloud import service
from teachkit.cloud.jobs import KEY, RUN, JobConfig, ended
from teachkit.cloud.service import Jobs, wait
from teachkit.errors import CloudError

L4 = "aiplatform.googleapis.com/custom_model_training_nvidia_l4_gpus"
CONFIG = JobConfig(
    run="teachkit-01",
    key="k1",
    image="r/course:1",
    command=("python",),
    output="gs://bucket/run",
    service_account="sa@p",
    accelerator="l4",
)


class FakeClock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        assert self.time < 1e5, "nobody ends the waiting"


@pytest.fixture
def jobs(jobs_service: Any) -> Jobs:
    return Jobs("p", "us-central1", FakeClock())


def follow(jobs: Jobs, name: str, deadline_s: float = 1e9) -> tuple[str, list[str]]:
    """The last state, and what was told."""
    told: list[str] = []
    job = wait(jobs, name, deadline_s=deadline_s, tell=told.append)
    return job.state.name.removeprefix("JOB_STATE_"), told


def times(service: Any, method: str, ending: str) -> int:
    return sum(m == method and path.endswith(ending) for m, path in service.requests)


def silent(status: int, number: int) -> Any:
    """A fault: the first `number` requests get that status."""
    left = [number]

    def fault(method: str, path: str) -> tuple[int, str] | None:
        left[0] -= 1
        return (status, "not now") if left[0] >= 0 else None

    return fault


def test_a_job_is_followed_through_its_states_in_plain_words(jobs: Jobs, jobs_service: Any) -> None:
    name = jobs.create(CONFIG).name
    assert name == "projects/p/locations/us-central1/customJobs/1"
    assert follow(jobs, name) == (
        "SUCCEEDED", ["The job waits for a machine.", "The job runs.", "The job has finished."]
    )  # fmt: skip
    assert jobs_service.bodies[0]["displayName"] == "teachkit-01"


@pytest.mark.parametrize(
    ("life", "words"),
    [
        (["QUEUED", "FAILED"], "The job has failed."),
        (["QUEUED", "PENDING", "FAILED"], "The job has failed."),
        (["QUEUED", "PENDING", "RUNNING", "FAILED"], "The job has failed."),
        (["QUEUED", "PENDING", "EXPIRED"], "The job got no machine in time."),
        (["PENDING", "RUNNING", "CANCELLING", "CANCELLED"], "The job was cancelled."),
        (["PENDING", "RUNNING", "PAUSED", "RUNNING", "SUCCEEDED"], "The job has finished."),
        (["RUNNING", "UPDATING", "PARTIALLY_SUCCEEDED"], "The job has finished in part."),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_job_that_ends_in_any_state_is_seen_to_end(
    life: list[str], words: str, jobs: Jobs, jobs_service: Any
) -> None:
    jobs_service.life = tuple(life)
    state, told = follow(jobs, jobs.create(CONFIG).name)
    assert (state, told[-1]) == (life[-1], words)


def test_a_long_wait_for_a_machine_gets_one_word(jobs: Jobs, jobs_service: Any) -> None:
    jobs_service.life = ("QUEUED", *["PENDING"] * 120, "FAILED")
    jobs_service.error = "Resources are insufficient in region: us-central1."
    state, told = follow(jobs, jobs.create(CONFIG).name)
    assert state == "FAILED"
    assert told == [
        "The job waits for a machine.",
        "It has waited 15 minutes: the region may have no such machine free.",
        "The job has failed.",
    ]


def test_a_lost_reply_does_not_make_two_jobs(jobs: Jobs, jobs_service: Any) -> None:
    posts = iter(["lost"])
    jobs_service.fault = lambda method, path: next(posts, None) if method == "POST" else None
    assert jobs.create(CONFIG).name.endswith("/1")
    assert jobs_service.names() == ["teachkit-01"]
    assert times(jobs_service, "POST", "customJobs") == 1


def test_a_request_that_never_arrived_is_made_again(jobs: Jobs, jobs_service: Any) -> None:
    jobs_service.fault = silent(503, 3)
    assert jobs.create(CONFIG).name.endswith("/1")
    assert times(jobs_service, "POST", "customJobs") == 3
    assert jobs_service.names() == ["teachkit-01"]


def test_a_service_that_stays_silent_is_given_up_and_the_doubt_is_said(jobs: Jobs, jobs_service: Any) -> None:
    jobs_service.fault = lambda method, path: (503, "down")
    with pytest.raises(CloudError, match=r"asked for 4 times.*It may run all the same") as caught:
        jobs.create(CONFIG)
    assert caught.value.kind == "network"
    assert jobs.clock.now() == 5 + 10 + 20 + 40


@pytest.mark.parametrize(
    ("status", "message", "kind", "part"),
    [
        (429, f"The following quota metrics exceed quota limits: {L4}", "quota", L4),
        (
            403,
            "Permission 'aiplatform.customJobs.create' denied",
            "permission",
            "aiplatform.customJobs.create",
        ),
        (403, "You do not have permission to act as service account: sa@p.", "act-as", "sa@p"),
        (
            403,
            "Agent Platform API has not been used in project 1 before or it is disabled.",
            "api-disabled",
            "enable",
        ),
        (404, "The resource projects/p does not exist.", "not-found", "Check project"),
        (400, "Machine type 'g2-standard-8' is not supported", "machine", "--region"),
        (401, "Request had invalid authentication credentials.", "sign-in", "gcloud auth"),
    ],
)
def test_a_refusal_is_told_at_once_and_not_repeated(
    status: int, message: str, kind: str, part: str, jobs: Jobs, jobs_service: Any
) -> None:
    jobs_service.fault = lambda method, path: (status, message)
    with pytest.raises(CloudError, match="The job was not started: ") as caught:
        jobs.create(CONFIG)
    assert caught.value.kind == kind
    assert part in str(caught.value)
    assert len(jobs_service.requests) == 1


def test_a_burst_of_errors_while_watching_is_borne(jobs: Jobs, jobs_service: Any) -> None:
    name = jobs.create(CONFIG).name
    jobs_service.fault = silent(503, 30)
    assert follow(jobs, name)[0] == "SUCCEEDED"


def test_silence_for_longer_than_half_an_hour_ends_the_watching_but_not_the_job(
    jobs: Jobs, jobs_service: Any
) -> None:
    name = jobs.create(CONFIG).name
    jobs_service.fault = lambda method, path: (503, "down")
    with pytest.raises(
        CloudError, match=r"cannot be looked at: The service did not answer.*goes on without you"
    ):
        follow(jobs, name)
    assert service.OUTAGE_S < jobs.clock.now() < service.OUTAGE_S + 3 * service.POLL_S
    assert times(jobs_service, "POST", ":cancel") == 0


def test_a_sign_in_that_expires_while_watching_is_said_at_once(
    jobs: Jobs, jobs_service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = jobs.create(CONFIG).name

    def refuse(*_: object, **__: object) -> None:
        raise auth.RefreshError("Reauthentication is needed.")

    monkeypatch.setattr(jobs._client, "get_custom_job", refuse)
    with pytest.raises(CloudError, match="Sign in with: gcloud auth application-default login") as caught:
        follow(jobs, name)
    assert caught.value.kind == "sign-in"
    assert jobs.clock.now() == 0


def test_when_time_is_over_the_job_is_cancelled_once(jobs: Jobs, jobs_service: Any) -> None:
    jobs_service.life = ("PENDING", *["RUNNING"] * 500)
    state, told = follow(jobs, jobs.create(CONFIG).name, deadline_s=600)
    assert state == "CANCELLED"
    assert "10 minutes are over: the job is cancelled, to cost no more." in told
    assert times(jobs_service, "POST", ":cancel") == 1
    assert jobs.clock.now() == pytest.approx(600, abs=3 * service.POLL_S)


def test_a_cancel_that_gets_no_answer_is_sent_again(jobs: Jobs, jobs_service: Any) -> None:
    jobs_service.life = ("PENDING", *["RUNNING"] * 500)
    name = jobs.create(CONFIG).name
    left = [2]

    def fault(method: str, path: str) -> tuple[int, str] | None:
        if method == "POST" and left[0]:
            left[0] -= 1
            return 503, "down"
        return None

    jobs_service.fault = fault
    assert follow(jobs, name, deadline_s=60)[0] == "CANCELLED"
    assert times(jobs_service, "POST", ":cancel") == 3


def test_a_cancelled_job_that_does_not_end_is_said_to_cost(jobs: Jobs, jobs_service: Any) -> None:
    jobs_service.life = ("PENDING", *["RUNNING"] * 500)
    jobs_service.cancel = lambda job: None
    with pytest.raises(CloudError, match=r"cancelled 10 minutes ago and has not ended.*may cost money"):
        follow(jobs, jobs.create(CONFIG).name, deadline_s=60)


def test_somebody_else_cancelling_while_it_runs_ends_the_watching(jobs: Jobs, jobs_service: Any) -> None:
    jobs_service.life = ("PENDING", *["RUNNING"] * 500)
    name = jobs.create(CONFIG).name
    looks = iter(range(100))
    real = jobs.get

    def get(name: str) -> Any:
        if next(looks) == 3:
            Jobs("p", "us-central1").cancel(name)
        return real(name)

    jobs.get = get  # type: ignore[method-assign]
    assert follow(jobs, name)[1][-2:] == ["The job runs.", "The job was cancelled."]


def test_cancelling_what_has_ended_is_no_error_and_what_is_unknown_is_one(
    jobs: Jobs, jobs_service: Any
) -> None:
    name = jobs.create(CONFIG).name
    follow(jobs, name)
    jobs.cancel(name)
    assert ended(jobs.get(name))
    with pytest.raises(CloudError, match="There is nothing under that name"):
        jobs.cancel(name.replace("/1", "/9"))


def test_jobs_are_found_by_label_over_all_pages_newest_first(jobs: Jobs, jobs_service: Any) -> None:
    for number in range(5):
        jobs.create(replace(CONFIG, run=f"run-{number}", key="even" if number % 2 == 0 else "odd"))
    assert [job.display_name for job in jobs.find(KEY, "even")] == ["run-4", "run-2", "run-0"]
    assert [job.display_name for job in jobs.find(RUN, "run-3")] == ["run-3"]
    assert len(jobs.find(RUN)) == 5
    assert Jobs("another", "us-central1").find(RUN) == []


def test_without_a_sign_in_it_is_said_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEACHKIT_JOBS_HOST", raising=False)

    def nobody(*_: object, **__: object) -> None:
        raise auth.DefaultCredentialsError("Your default credentials were not found.")

    monkeypatch.setattr("google.auth.default", nobody)
    with pytest.raises(CloudError, match="gcloud auth application-default login") as caught:
        Jobs("p", "us-central1").find(RUN)
    assert caught.value.kind == "sign-in"
