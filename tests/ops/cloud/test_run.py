"""A run from start to end by its commands, against stand-ins for the service and the bucket."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from teachkit.cli.cloud import app
from teachkit.cloud import service
from teachkit.course.declaration import Course
from teachkit.errors import (
    CloudError,
    MissingExtraError,
    SettingsError,
    StorageError,
    TeachkitError,
    UnknownNameError,
)
from teachkit.ops.cloud.files import STOPPED
from teachkit.ops.cloud.tickets import choose, ticket_of, tickets

L4 = "aiplatform.googleapis.com/custom_model_training_nvidia_l4_gpus"
WHERE = [
    "--project",
    "p",
    "--bucket",
    "gs://runs-of-class",
    "--image",
    "r/course:1",
    "--service-account",
    "sa@p",
]
STOCKOUT = "Resources are insufficient in region: us-central1."
Machines = Callable[..., None]


def teachkit(*arguments: str, code: int = 0) -> Result:
    """Run ``teachkit cloud …``; an error of the course is raised, any other end is compared with `code`."""
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, TeachkitError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def run(*arguments: str, code: int = 0) -> str:
    return teachkit("run", *arguments, *WHERE, code=code).output


def newest(course: Course) -> Path:
    out = course.root / "build" / "cloud"
    return choose(out).folder(out)


def test_results_come_back_and_every_number_is_judged(course: Course, machines: Machines) -> None:
    machines({0: ["t1"]})
    said = run("t1", "--size", "smoke")
    order = ["Cost: about", "Started: teachkit-t1-smoke-", "waits for a machine", "runs", "has finished"]
    places = [said.index(words) for words in order]
    assert places == sorted(places)
    assert "It ran 60.0 minutes: about 0.98 $ at 0.98 $/h (g2-standard-8, 1 x NVIDIA_L4, as a job" in said
    assert "Machine 0 (NVIDIA L4) finished" in said
    assert "t1 Lesson t1: finished" in said
    assert "3 of 3 numbers as declared" in said
    assert "met     'answer' is 42" in said
    assert (newest(course) / "lessons" / "t1" / "executed.ipynb").is_file()
    assert (newest(course) / "report" / "index.html").is_file()


def test_a_number_outside_its_range_ends_with_one(course: Course, machines: Machines) -> None:
    machines({0: ["t3"]})
    said = run("t3", "--size", "smoke", code=1)
    assert "0 of 3 numbers as declared" in said
    assert "missed  'score' is 0.99, outside its band range of 0.45 to 0.55." in said


def test_a_failed_job_brings_what_was_done_and_says_why(
    course: Course, machines: Machines, jobs_service: Any
) -> None:
    machines({0: ["t1", "t2"]}, problem="Lesson t2 did not finish.")
    jobs_service.life = ("PENDING", "RUNNING", "FAILED")
    jobs_service.error = "The replica workerpool0-0 exited with a non-zero status of 1."
    said = run("t1", "t2", "--size", "smoke", code=1)
    assert "exited with a non-zero status of 1" in said
    assert "Machine 0 (NVIDIA L4) failed: Lesson t2 did not finish." in said
    assert "Lesson t2 stopped at In [" in said
    assert "t1 Lesson t1: finished" in said


@pytest.mark.parametrize(
    ("life", "message", "kind", "part"),
    [
        (["FAILED"], STOCKOUT, "capacity", "--flex-start"),
        (
            ["PENDING", "FAILED"],
            STOCKOUT,
            "capacity",
            "another GPU",
        ),
        (["PENDING", "FAILED"], f"The following quota metrics exceed quota limits: {L4}", "quota", L4),
        (["PENDING", "FAILED"], "Failed to pull image r/course:1", "image", "--image"),
        (["PENDING", "EXPIRED"], "", "unknown", "agent-platform/locations/us-central1/training/1?project=p"),
        (["PENDING", "CANCELLED"], "", "unknown", "was cancelled"),
        (["PENDING", "RUNNING", "FAILED"], "Replicas low on memory: workerpool0", "memory", "--machine"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_job_that_ends_before_it_wrote_anything_says_why(
    life: list[str], message: str, kind: str, part: str, course: Course, machines: Machines, jobs_service: Any
) -> None:
    machines({})
    jobs_service.life, jobs_service.error = tuple(life), message
    with pytest.raises(CloudError, match="before it wrote anything") as caught:
        run("t1")
    assert caught.value.kind == kind
    assert part in str(caught.value)


def test_two_machines_leave_one_result(course: Course, machines: Machines) -> None:
    machines({0: ["t1"], 1: ["t3"]})
    said = run("t1", "t3", "--size", "smoke", "--machines", "2", code=1)
    assert "Machine 0 (NVIDIA L4) finished" in said
    assert "Machine 1 (NVIDIA L4) finished" in said
    assert "about 1.96 $" in said
    assert {path.name for path in (newest(course) / "lessons").iterdir()} == {"t1", "t3"}


def test_a_machine_that_left_nothing_is_not_overlooked(course: Course, machines: Machines) -> None:
    machines({0: ["t1"]})
    said = run("t1", "t3", "--size", "smoke", "--machines", "2", code=1)
    assert "t3 Lesson t3: nothing came back" in said


def test_detached_runs_are_followed_later_by_name(
    course: Course, machines: Machines, jobs_service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines({0: ["t1"]})
    said = run("t1", "--size", "smoke", "--detach")
    assert "It runs without you." in said
    name = newest(course).name
    assert "has cost nothing" in teachkit("status").output
    assert f"{name}: waits for a machine, 0 min" in teachkit("list", "--project", "p").output
    monkeypatch.chdir(course.root / "notebooks")  # from another folder of the course
    assert "Machine 0 (NVIDIA L4) finished" in teachkit("fetch", name[:12]).output
    assert f"{name}: it has finished." in teachkit("status", name).output


def test_ctrl_c_leaves_the_job_alone_and_says_how_to_go_on(
    course: Course, machines: Machines, jobs_service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines({0: ["t1"]})
    sleeps: list[float] = []

    def interrupted(self: object, seconds: float) -> None:
        sleeps.append(seconds)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(service.WallClock, "sleep", interrupted)
        said = run("t1", "--size", "smoke", code=130)
    assert "The job goes on, and costs." in said
    assert f"teachkit cloud cancel {newest(course).name}" in said
    assert not [path for method, path in jobs_service.requests if path.endswith(":cancel")]
    assert "3 of 3 numbers as declared" in teachkit("fetch").output


def test_a_network_that_is_gone_while_watching_loses_nothing(
    course: Course, machines: Machines, jobs_service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines({0: ["t1"]})
    monkeypatch.setattr(service, "OUTAGE_S", 0.0)
    jobs_service.fault = lambda method, path: (503, "down") if method == "GET" and path[-1] == "1" else None
    with pytest.raises(CloudError, match="goes on without you"):
        run("t1", "--size", "smoke")
    jobs_service.fault = lambda method, path: None
    assert "3 of 3 numbers as declared" in teachkit("fetch").output


def test_a_job_whose_name_never_arrived_is_found_by_its_label(
    course: Course, machines: Machines, jobs_service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines({0: ["t1"]})
    monkeypatch.setattr(service, "PAUSE_S", 0.0)
    down = {"now": False}

    def fault(method: str, path: str) -> object:
        if method == "POST" and not down["now"]:
            down["now"] = True
            return "lost"
        return (503, "down") if down["now"] else None

    jobs_service.fault = fault
    with pytest.raises(CloudError, match="It may run all the same"):
        run("t1", "--size", "smoke")
    jobs_service.fault = lambda method, path: None
    assert choose(course.root / "build" / "cloud").job == ""
    assert "3 of 3 numbers as declared" in teachkit("fetch").output
    assert choose(course.root / "build" / "cloud").job.endswith("customJobs/1")
    assert len(jobs_service.jobs) == 1


def test_a_stub_without_any_job_says_that_nothing_ran(
    course: Course, machines: Machines, jobs_service: Any
) -> None:
    jobs_service.fault = lambda method, path: (403, "no") if method == "POST" else None
    with pytest.raises(CloudError, match="The job was not started"):
        run("t1")
    with pytest.raises(CloudError, match="never began"):
        teachkit("status")


def test_the_same_words_again_take_up_the_job_that_is_under_way(
    course: Course, machines: Machines, jobs_service: Any
) -> None:
    machines({0: ["t1"]})
    run("t1", "--size", "smoke", "--detach")
    said = run("t1", "--size", "smoke")
    assert "It is taken up" in said
    assert len(jobs_service.jobs) == 1
    assert len(tickets(course.root / "build" / "cloud")) == 1
    run("t1", "--size", "smoke", "--again", "--detach")
    assert len(jobs_service.jobs) == 2


def test_after_a_failure_the_next_run_goes_on_where_it_stopped(
    course: Course, machines: Machines, jobs_service: Any
) -> None:
    machines({0: ["t1"]}, {0: STOPPED}, "The machine was told to stop.")
    jobs_service.life, jobs_service.error = ("RUNNING", "FAILED"), "The replica was preempted."
    assert "taken away" in run("t1", "t3", "--size", "smoke", "--spot", code=1)
    first = next(iter(jobs_service.jobs.values()))
    first.display_name, first.labels["teachkit-run"] = "teachkit-first", "teachkit-first"
    jobs_service.life = ("RUNNING", "SUCCEEDED")
    assert "what it finished is not repeated" in run("t1", "t3", "--size", "smoke", "--spot", code=1)
    words = list(list(jobs_service.jobs.values())[1].job_spec.worker_pool_specs[0].container_spec.command)
    assert words[words.index("--earlier") + 1] == first.job_spec.base_output_directory.output_uri_prefix


def test_a_run_that_was_started_on_another_machine_is_asked_of_the_service(
    course: Course, machines: Machines, jobs_service: Any
) -> None:
    machines({0: ["t1"], 1: ["t3"]})
    run("t1", "t3", "--size", "smoke", "--machines", "2", "--spot", "--detach")
    here = choose(course.root / "build" / "cloud")
    shutil.rmtree(course.root / "build" / "cloud")
    with pytest.raises(SettingsError, match="then name the run and give --project"):
        teachkit("fetch")
    said = teachkit("fetch", here.run, "--project", "p", code=1).output
    assert "3 of 3 numbers as declared" in said
    assert "about 1.18 $" in said  # two machines for an hour, as Spot
    assert choose(course.root / "build" / "cloud") == here
    with pytest.raises(CloudError, match="There is no run 'teachkit-never' in p, us-central1"):
        teachkit("status", "teachkit-never", "--project", "p")


def test_a_job_of_another_program_is_not_taken_for_a_run(jobs_service: Any) -> None:
    from google.cloud import aiplatform_v1 as v1

    job = v1.CustomJob(display_name="theirs", job_spec={"worker_pool_specs": [{"replica_count": 1}]})
    with pytest.raises(SettingsError, match="'theirs' was not started by teachkit cloud"):
        ticket_of(job, "p", "us-central1")


def test_without_the_extra_it_is_said_what_to_install(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.aiplatform_v1", None)
    for words in (["run", "t1", "--dry-run"], ["list", "--project", "p"]):
        with pytest.raises(MissingExtraError, match=r'pip install "teachkit\[cloud\]"'):
            teachkit(*words)


def test_a_missed_number_is_said_once(course: Course, machines: Machines) -> None:
    machines({0: ["t3"]})
    assert run("t3", "--size", "smoke", code=1).count("outside its band range") == 1


def test_cancel_ends_the_job_and_keeps_its_results(
    course: Course, machines: Machines, jobs_service: Any
) -> None:
    machines({0: ["t1"]}, {0: STOPPED}, "The machine was told to stop before all lessons were done.")
    jobs_service.life = ("RUNNING", *["RUNNING"] * 50)
    run("t1", "t3", "--size", "smoke", "--detach")
    said = teachkit("cancel").output
    assert "is being cancelled. Its results so far: teachkit cloud fetch" in said
    brought = teachkit("fetch", code=1).output
    assert "The job was cancelled." in brought
    assert "t1 Lesson t1: finished" in brought
    assert "t3 Lesson t3: nothing came back" in brought


def test_fetch_without_waiting_brings_what_is_there(
    course: Course, machines: Machines, jobs_service: Any
) -> None:
    machines({0: ["t1"]}, {0: "running"})
    jobs_service.life = ("RUNNING", *["RUNNING"] * 50)
    run("t1", "t3", "--size", "smoke", "--detach")
    assert "t1 Lesson t1: finished" in teachkit("fetch", "--no-wait", code=1).output


def test_nothing_there_yet_is_said(course: Course, machines: Machines, jobs_service: Any) -> None:
    jobs_service.life = ("PENDING",) * 50
    run("t1", "--detach")
    with pytest.raises(StorageError, match="holds no results yet"):
        teachkit("fetch", "--no-wait")


def test_a_dry_run_prints_a_request_that_the_service_would_take_and_sends_none(
    course: Course, jobs_service: Any
) -> None:
    from google.cloud import aiplatform_v1 as v1
    from google.protobuf.json_format import Parse

    wanted = "run t1 t3 --dry-run --accelerator a100 --flex-start --machines 2"
    result = teachkit(*wanted.split())
    job = v1.CustomJob(Parse(result.stdout, v1.CustomJob.pb()()))
    assert [pool.replica_count for pool in job.job_spec.worker_pool_specs] == [1, 1]
    assert job.job_spec.scheduling.strategy == v1.Scheduling.Strategy.FLEX_START
    assert "Still to be said: --project, --bucket, --image, --service-account." in result.stderr
    assert "at most" in result.stderr
    assert jobs_service.requests == []
    assert json.loads(result.stdout)["jobSpec"]["serviceAccount"] == "ACCOUNT"


def test_a_program_comes_back_as_files_without_a_judgement(
    course: Course, machines: Machines, jobs_service: Any
) -> None:
    machines({0: ["t1"]})
    said = teachkit("train", *WHERE, "--count", "2", "--", "teachkit.mmpt.job", "big", "--lr", "0.1").output
    assert "Program: teachkit.mmpt.job big --lr 0.1." in said
    assert "Machine 0 (NVIDIA L4) finished" in said
    assert f"Files: {newest(course)}" in said
    assert "numbers as declared" not in said
    words = next(iter(jobs_service.jobs.values())).job_spec.worker_pool_specs[0].container_spec.command
    assert list(words)[-5:] == ["--program", "teachkit.mmpt.job", "big", "--lr", "0.1"]


def test_runs_are_chosen_by_the_beginning_of_their_name(course: Course, machines: Machines) -> None:
    out = course.root / "build" / "cloud"
    with pytest.raises(SettingsError, match="No run was started from here"):
        choose(out)
    run("t1", "--detach")
    run("t3", "--detach")
    assert choose(out).lessons == ("t3",)
    assert choose(out, "teachkit-t1").lessons == ("t1",)
    with pytest.raises(SettingsError, match="'teachkit-t' fits 2 runs"):
        choose(out, "teachkit-t")
    with pytest.raises(UnknownNameError, match="No run 'nothing'"):
        choose(out, "nothing")
    (out / "damaged").mkdir()
    (out / "damaged" / "job.json").write_text('{"run": "half')
    assert len(tickets(out)) == 2


def test_prices_are_listed_with_their_date() -> None:
    said = teachkit("prices").output
    assert "as of 2026-" in said
    assert "1 x l4      g2-standard-8       0.98" in said


def test_spot_and_flex_start_exclude_each_other(course: Course) -> None:
    with pytest.raises(SettingsError, match="exclude each other"):
        run("t1", "--spot", "--flex-start")


def test_list_asks_for_a_project_and_says_when_there_is_nothing(course: Course, jobs_service: Any) -> None:
    with pytest.raises(SettingsError, match="Give --project"):
        teachkit("list")
    assert "No run of this course in p, us-central1." in teachkit("list", "--project", "p").output
