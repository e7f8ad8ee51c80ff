"""Every name of the vendor that may change: products, machines, images, limits. One file to correct.

Names of autumn 2026. What was called Vertex AI is now called Agent Platform; addresses of services, Python
packages, command groups and names of quotas kept their old words. Where a number of the course rests on a
name, import it from here.
"""

from dataclasses import dataclass

from teachkit.errors import UnknownNameError, nearest

WORKBENCH = "Agent Platform Workbench (formerly Vertex AI Workbench)"
JOBS = "custom jobs of the Agent Platform (formerly Vertex AI)"
JOBS_API = "aiplatform.googleapis.com"
REGION = "us-central1"
ZONE = "us-central1-a"

# Workbench: the family must be named, because the older family is still served and is another system.
WORKBENCH_IMAGE_PROJECT = "cloud-notebooks-managed"
WORKBENCH_IMAGE_FAMILY = "workbench-instances-2603"
WORKBENCH_LEGACY_FAMILY = "workbench-instances"
WORKBENCH_CPU_MACHINE = "e2-standard-4"  # two cores and 16 GB: enough for size class
WORKBENCH_USER = "jupyter"  # everybody's name on an instance
IDLE_KEY = "idle-timeout-seconds"
IDLE_DEFAULT_S = 10800
IDLE_NEEDS = "enable-guest-attributes"
# Attributes of an instance that only Workbench sets.
WORKBENCH_KEYS = ("proxy-mode", "proxy-url", "service-account-mode", "notebook-disable-root")
CLI_IMAGE = "gcr.io/google.com/cloudsdktool/google-cloud-cli:slim"  # gcloud for steps of a build
METADATA_HOST = "metadata.google.internal"  # GCE_METADATA_HOST replaces it

# First part of torch.version.cuda -> the oldest driver, and the oldest GPU by compute capability.
DRIVER_FOR_CUDA = {"12": 525, "13": 580}
CAPABILITY_FOR_CUDA = {"12": (5, 0), "13": (7, 5)}
ARCHITECTURE = {(5, 0): "Maxwell", (7, 5): "Turing"}  # names of the generations above
FALLBACK_CUDA = "cu126"  # the build of torch for older drivers and GPUs

# Jobs: how a job is asked for.
ON_DEMAND, SPOT, FLEX_START = "ON_DEMAND", "SPOT", "FLEX_START"
BOOT_DISK_TYPE = "pd-ssd"
BOOT_DISK_GB = 100
CPU_MACHINE = "n1-standard-8"
JOB_PAGE = (
    "https://console.cloud.google.com/agent-platform/locations/{region}/training/{number}?project={project}"
)


@dataclass(frozen=True)
class Accelerator:
    """One kind of GPU: our short name, the service's name, and the machine that holds so many of it.

    `flex_start` says whether jobs may wait for capacity; `quota` is the middle of the quota's name.
    """

    short: str
    api: str
    title: str
    machines: dict[int, str]
    quota: str
    capability: tuple[int, int]
    gib: int
    flex_start: bool = True


ACCELERATORS = {
    item.short: item
    for item in (
        Accelerator(
            short="t4",
            api="NVIDIA_TESLA_T4",
            title="NVIDIA T4",
            machines={1: "n1-standard-8", 2: "n1-standard-16", 4: "n1-standard-32"},
            quota="nvidia_t4",
            capability=(7, 5),
            gib=16,
            flex_start=False,
        ),
        Accelerator(
            short="l4",
            api="NVIDIA_L4",
            title="NVIDIA L4",
            machines={1: "g2-standard-8", 2: "g2-standard-24", 4: "g2-standard-48", 8: "g2-standard-96"},
            quota="nvidia_l4",
            capability=(8, 9),
            gib=24,
        ),
        Accelerator(
            short="a100",
            api="NVIDIA_TESLA_A100",
            title="NVIDIA A100 40GB",
            machines={1: "a2-highgpu-1g", 2: "a2-highgpu-2g", 4: "a2-highgpu-4g", 8: "a2-highgpu-8g"},
            quota="nvidia_a100",
            capability=(8, 0),
            gib=40,
        ),
    )
}


def accelerator(name: str) -> Accelerator | None:
    """The GPU called `name`, by our short name or the service's; None for "none".

    Raises:
        UnknownNameError: with the nearest names.
    """
    wanted = name.lower()
    if wanted in ("none", ""):
        return None
    for item in ACCELERATORS.values():
        if wanted in (item.short, item.api.lower()):
            return item
    raise UnknownNameError(
        f"No accelerator '{name}'.",
        nearest(name, (*ACCELERATORS, "none"), "accelerators"),
        accelerator=name,
    )


def training_quota(item: Accelerator, *, preemptible: bool) -> str:
    """The quota that a job with this GPU counts against; Spot and Flex-start share the preemptible one."""
    kind = "preemptible_" if preemptible else ""
    return f"{JOBS_API}/custom_model_training_{kind}{item.quota}_gpus"
