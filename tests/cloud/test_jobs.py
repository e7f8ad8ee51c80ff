"""The request of a job: accepted by the service's own message type, and saying what was asked for."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud import aiplatform_v1 as v1
from google.protobuf.json_format import MessageToDict, Parse, ParseDict

from teachkit.cloud import jobs, names
from teachkit.cloud.jobs import JobConfig, custom_job
from teachkit.errors import SettingsError, UnknownNameError

PLAIN = JobConfig(
    run="teachkit-01-full",
    key="k",
    image="r/course:1",
    command=("python", "-m", "entry"),
    output="gs://bucket/run",
    service_account="runner@p.iam.gserviceaccount.com",
    accelerator="l4",
    timeout_s=5400,
    environment={"B": "2", "A": "1"},
)


def wire(**changes: Any) -> dict[str, Any]:
    """The request as it goes to the service."""
    content: dict[str, Any] = MessageToDict(custom_job(replace(PLAIN, **changes))._pb)
    return content


def test_the_request_is_the_one_that_the_service_documents() -> None:
    assert wire() == {
        "displayName": "teachkit-01-full",
        "labels": {"teachkit-run": "teachkit-01-full", "teachkit-key": "k"},
        "jobSpec": {
            "workerPoolSpecs": [
                {
                    "machineSpec": {
                        "machineType": "g2-standard-8",
                        "acceleratorType": "NVIDIA_L4",
                        "acceleratorCount": 1,
                    },
                    "replicaCount": "1",
                    "diskSpec": {"bootDiskType": "pd-ssd", "bootDiskSizeGb": 100},
                    "containerSpec": {
                        "imageUri": "r/course:1",
                        "command": ["python", "-m", "entry"],
                        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                    },
                }
            ],
            "scheduling": {"timeout": "5400s", "disableRetries": True},
            "serviceAccount": "runner@p.iam.gserviceaccount.com",
            "baseOutputDirectory": {"outputUriPrefix": "gs://bucket/run"},
        },
    }


VARIANTS = [
    {},
    {"accelerator": "none"},
    {"accelerator": "t4", "count": 2, "provisioning": names.SPOT},
    {"accelerator": "a100", "machines": 3, "provisioning": names.FLEX_START},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=["l4", "cpu", "spot", "flex"])
def test_a_request_comes_back_the_same_as_bytes_and_as_json(changes: dict[str, Any]) -> None:
    job = custom_job(replace(PLAIN, **changes))
    assert v1.CustomJob.deserialize(v1.CustomJob.serialize(job)) == job
    assert v1.CustomJob(Parse(v1.CustomJob.to_json(job), v1.CustomJob.pb()())) == job
    assert v1.CustomJob(ParseDict(wire(**changes), v1.CustomJob.pb()())) == job


def test_a_field_that_the_service_does_not_know_would_be_refused() -> None:
    content = wire()
    content["jobSpec"]["schedulling"] = {}
    with pytest.raises(Exception, match="schedulling"):
        ParseDict(content, v1.CustomJob.pb()())


def test_without_a_gpu_no_accelerator_is_asked_for() -> None:
    assert wire(accelerator="none")["jobSpec"]["workerPoolSpecs"][0]["machineSpec"] == {
        "machineType": names.CPU_MACHINE
    }


def test_a_machine_that_is_named_is_taken() -> None:
    machine = wire(machine="g2-standard-16")["jobSpec"]["workerPoolSpecs"][0]["machineSpec"]
    assert (machine["machineType"], machine["acceleratorCount"]) == ("g2-standard-16", 1)


def test_the_first_pool_holds_one_machine_and_the_second_the_others() -> None:
    pools = wire(machines=4)["jobSpec"]["workerPoolSpecs"]
    assert [pool["replicaCount"] for pool in pools] == ["1", "3"]
    assert pools[0]["containerSpec"] == pools[1]["containerSpec"]


def test_only_spot_is_tried_again_and_only_flex_start_has_a_longest_wait() -> None:
    spot = wire(provisioning=names.SPOT)["jobSpec"]["scheduling"]
    flex = wire(provisioning=names.FLEX_START, max_wait_s=7200)["jobSpec"]["scheduling"]
    assert spot == {"timeout": "5400s", "strategy": "SPOT"}
    assert flex == {
        "timeout": "5400s", "strategy": "FLEX_START", "disableRetries": True, "maxWaitDuration": "7200s"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"accelerator": "t4", "provisioning": names.FLEX_START}, "--flex-start does not work with 't4'"),
        ({"accelerator": "none", "provisioning": names.FLEX_START}, "--flex-start does not work"),
        ({"accelerator": "t4", "count": 3}, r"No machine has 3 NVIDIA T4\. It can have 1, 2, 4"),
        ({"timeout_s": 59}, "from 1 minute to 7 days"),
        ({"timeout_s": 8 * 24 * 3600}, "from 1 minute to 7 days"),
        ({"machines": 0}, "--machines is 0"),
    ],
)
def test_what_cannot_be_had_is_refused_before_anything_is_asked(
    changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(SettingsError, match=complaint):
        replace(PLAIN, **changes)


def test_a_misspelt_accelerator_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 't4'"):
        replace(PLAIN, accelerator="t5")


def test_every_state_of_the_service_has_plain_words_and_an_end_is_known() -> None:
    states = {state.name for state in v1.JobState} - {"JOB_STATE_UNSPECIFIED"}
    assert set(jobs.STATES) == states
    assert states > jobs.ENDED
    assert not jobs.ended(v1.CustomJob(state=v1.JobState.JOB_STATE_PAUSED))
    assert jobs.in_words(v1.CustomJob()) == "is in the state JOB_STATE_UNSPECIFIED"


def test_elapsed_is_between_start_and_end_by_the_services_clock() -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    late = noon.replace(minute=30)
    assert jobs.elapsed_s(v1.CustomJob()) == 0.0
    assert jobs.elapsed_s(v1.CustomJob(start_time=noon, end_time=late)) == 1800.0
    assert jobs.elapsed_s(v1.CustomJob(start_time=noon), now=late) == 1800.0
    assert jobs.elapsed_s(v1.CustomJob(start_time=late), now=noon) == 0.0  # two clocks that disagree


def test_the_names_of_accelerators_are_the_services() -> None:
    for gpu in names.ACCELERATORS.values():
        assert v1.AcceleratorType[gpu.api]
    assert names.training_quota(names.ACCELERATORS["l4"], preemptible=True).endswith(
        "/custom_model_training_preemptible_nvidia_l4_gpus"
    )
