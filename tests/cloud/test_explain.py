"""Messages as the services write them, and what is said instead."""

import pytest
from google.api_core import exceptions as api
from google.auth import exceptions as auth

from teachkit.cloud.explain import cloud_error, explain, quota_in_words, rules

L4 = "aiplatform.googleapis.com/custom_model_training_nvidia_l4_gpus"
SPOT_T4 = "aiplatform.googleapis.com/custom_model_training_preemptible_nvidia_t4_gpus"

MESSAGES = [
    (f"429 The following quota metrics exceed quota limits: {L4}", "quota", "NVIDIA L4s of training jobs"),
    (
        f"RESOURCE_EXHAUSTED: The following quotas are exceeded: {SPOT_T4}",
        "quota",
        "NVIDIA T4s of training jobs started as Spot or Flex-start",
    ),
    (
        "Quota 'NVIDIA_T4_GPUS' exceeded.  Limit: 0.0 in region us-central1.",
        "quota",
        "NVIDIA T4s of virtual machines, such as Workbench. It allows 0.",
    ),
    (
        "Quota 'GPUS_ALL_REGIONS' exceeded. Limit: 1.0 globally.",
        "quota",
        "in all regions together. It allows 1.",
    ),
    (
        "Quota exceeded: CustomModelTrainingL4GPUsPerProjectPerRegion",
        "quota",
        "it counts NVIDIA L4s of training jobs. Ask",
    ),
    (
        "CustomModelTrainingPreemptibleNvidiaT4GPUsPerProjectPerRegion limit: 0",
        "quota",
        "NVIDIA T4s of training jobs started as Spot or Flex-start. It allows 0. Ask",
    ),
    ("429 Too many requests", "busy", "takes no more requests"),
    (
        "Quota exceeded for quota metric 'Job submission requests' and limit 'requests per minute'",
        "busy",
        "takes no more requests",
    ),
    (
        "Resources are insufficient in region: us-central1. Please try a different region.",
        "capacity",
        "no such machine",
    ),
    (
        "The zone does not have enough resources available to fulfill the request.",
        "capacity",
        "your quota is not",
    ),
    ("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "capacity", "no such machine free"),
    (
        "403 You do not have permission to act as service account: runner@p.iam.gserviceaccount.com.",
        "act-as",
        "service account runner@p.iam.gserviceaccount.com.",
    ),
    ("Permission 'iam.serviceAccounts.actAs' denied on service account", "act-as", "in the name of"),
    (
        "403 Agent Platform API has not been used in project 123 before or it is disabled.",
        "api-disabled",
        "gcloud services enable aiplatform.googleapis.com",
    ),
    ("403 This API method requires billing to be enabled.", "billing", "no working billing account"),
    (
        "403 Permission 'aiplatform.customJobs.create' denied on resource '//aiplatform.googleapis.com/p'",
        "permission",
        "(aiplatform.customJobs.create)",
    ),
    ("403 Forbidden", "permission", "roles/aiplatform.user"),
    ("404 The CustomJob does not exist.", "not-found", "only in the region"),
    ("412 conditionNotMet", "exists", "there already"),
    ("Failed to pull image 'r/course:1': manifest unknown", "image", "--image"),
    ("Machine type 'g2-standard-8' is not supported in region europe-north1", "machine", "--region"),
    (
        "Replicas low on memory: workerpool0. The replica exited with a non-zero status of 137.",
        "memory",
        "--machine",
    ),
    ("The NVIDIA driver on your system is too old (found version 11080).", "driver", "older CUDA"),
    ("The replica workerpool0-0 was preempted.", "preempted", "finished lessons are not repeated"),
    (
        "400 INVALID_ARGUMENT: Invalid value at 'custom_job.display_name'",
        "invalid",
        "custom_job.display_name",
    ),
]


@pytest.mark.parametrize(("message", "kind", "part"), MESSAGES)
def test_a_message_is_told_in_plain_words(message: str, kind: str, part: str) -> None:
    told = explain(message)
    assert told.kind == kind
    assert part in str(told)
    assert told.remedy.endswith((".", "login", "status", "billing", "storage.googleapis.com"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (api.ResourceExhausted(f"The following quota metrics exceed quota limits: {L4}"), "quota"),
        (api.TooManyRequests("slow down"), "busy"),
        (api.Forbidden("no"), "permission"),
        (api.PermissionDenied("no"), "permission"),
        (api.NotFound("no"), "not-found"),
        (api.PreconditionFailed("no"), "exists"),
        (api.ServiceUnavailable("no"), "network"),
        (api.Unauthorized("no"), "sign-in"),
        (auth.DefaultCredentialsError("File none was not found."), "sign-in"),
        (auth.RefreshError("invalid_grant: Token has been expired or revoked."), "sign-in"),
        (auth.TransportError("no"), "network"),
        (ConnectionResetError("Connection reset by peer"), "network"),
        (ConnectionError("gone"), "network"),
        (TimeoutError(), "network"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
def test_what_the_libraries_raise_is_told_by_its_kind(error: Exception, kind: str) -> None:
    assert explain(error).kind == kind


def test_the_metric_is_kept_for_whoever_asks_for_more() -> None:
    told = explain(f"429 quota metrics exceed quota limits: {L4}")
    assert told.metric == L4
    assert L4 in told.what
    assert "one does not help the other" in told.remedy
    assert "GPUS_ALL_REGIONS must be raised too" in explain("Quota 'NVIDIA_L4_GPUS' exceeded.").remedy


def test_a_quota_of_an_unknown_kind_keeps_its_name() -> None:
    assert quota_in_words("compute.googleapis.com/snapshots") == "'snapshots'"
    assert quota_in_words("aiplatform.googleapis.com/custom_model_training_cpus") == "CPUs of training jobs"


def test_what_no_rule_knows_is_repeated_and_not_guessed() -> None:
    told = explain("The moon is\n in the wrong place. " + "x" * 400)
    assert told.kind == "unknown"
    assert told.what.startswith("The cloud answered: The moon is in the wrong place.")
    assert len(told.what) < 330
    assert "nothing" in explain("").what


def test_an_error_of_the_cloud_says_what_was_being_done_and_explains_itself_once() -> None:
    error = cloud_error(api.Forbidden("no"), "Starting the job")
    assert str(error).startswith("Starting the job: Your account lacks a permission")
    assert error.kind == "permission"
    assert explain(error).kind == "permission"


def test_each_rule_has_a_message_here_and_a_remedy() -> None:
    assert {rule["kind"] for rule in rules()} == {kind for _, kind, _ in MESSAGES} | {
        "sign-in",
        "network",
        "unknown",
    }
    assert all(rule["remedy"] for rule in rules())
