"""Custom jobs: what a job is made of, the request as a pure function, and its states in plain words.

A job carries two labels of ours: ``teachkit-run``, the name of this very run, and ``teachkit-key``, which is
the same for every run of the same words. By these it is found again when a reply was lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from teachkit.cloud import names
from teachkit.errors import SettingsError
from teachkit.extras import need

RUN, KEY = "teachkit-run", "teachkit-key"
LONGEST_S = 7 * 24 * 3600  # what the service allows

STATES = {
    "JOB_STATE_QUEUED": "waits for its turn",
    "JOB_STATE_PENDING": "waits for a machine",
    "JOB_STATE_RUNNING": "runs",
    "JOB_STATE_SUCCEEDED": "has finished",
    "JOB_STATE_FAILED": "has failed",
    "JOB_STATE_CANCELLING": "is being cancelled",
    "JOB_STATE_CANCELLED": "was cancelled",
    "JOB_STATE_PAUSED": "was paused by the service",
    "JOB_STATE_EXPIRED": "got no machine in time",
    "JOB_STATE_UPDATING": "is being updated",
    "JOB_STATE_PARTIALLY_SUCCEEDED": "has finished in part",
}
ENDED = {
    f"JOB_STATE_{state}" for state in ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED")
}


@dataclass(frozen=True)
class JobConfig:
    """All that a job is made of. `command` runs in `image` on each of `machines`; `output` is its folder."""

    run: str
    key: str
    image: str
    command: tuple[str, ...]
    output: str
    service_account: str
    accelerator: str = "none"
    count: int = 1
    machine: str = ""
    machines: int = 1
    provisioning: str = names.ON_DEMAND
    timeout_s: int = 3600
    max_wait_s: int = 24 * 3600
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        gpu = names.accelerator(self.accelerator)
        if gpu and self.count not in gpu.machines and not self.machine:
            raise SettingsError(
                f"No machine has {self.count} {gpu.title}.",
                f"It can have {', '.join(map(str, gpu.machines))}.",
                count=self.count,
            )
        if self.provisioning == names.FLEX_START and not (gpu and gpu.flex_start):
            raise SettingsError(
                f"--flex-start does not work with '{self.accelerator}'.",
                "It waits for an L4 or A100; for others use on-demand or --spot.",
                accelerator=self.accelerator,
            )
        if not 60 <= self.timeout_s <= LONGEST_S:
            raise SettingsError(
                f"A job of {self.timeout_s} seconds cannot be had.",
                "Give --timeout from 1 minute to 7 days.",
                timeout_s=self.timeout_s,
            )
        if self.machines < 1:
            raise SettingsError(f"--machines is {self.machines}.", "Give at least 1.", machines=self.machines)

    @property
    def machine_type(self) -> str:
        """The machine that was named, else the one that fits the accelerator."""
        gpu = names.accelerator(self.accelerator)
        return self.machine or (gpu.machines[self.count] if gpu else names.CPU_MACHINE)


def custom_job(config: JobConfig) -> Any:
    """The request as the service's own message, ``aiplatform_v1.CustomJob``; nothing is contacted.

    The first pool holds one machine, as it must; the others are in the second.
    """
    v1 = need("google.cloud.aiplatform_v1", "cloud")
    machine: dict[str, Any] = {"machine_type": config.machine_type}
    if gpu := names.accelerator(config.accelerator):
        machine |= {"accelerator_type": gpu.api, "accelerator_count": config.count}
    pool = {
        "machine_spec": machine,
        "disk_spec": {"boot_disk_type": names.BOOT_DISK_TYPE, "boot_disk_size_gb": names.BOOT_DISK_GB},
        "container_spec": {
            "image_uri": config.image,
            "command": list(config.command),
            "env": [{"name": name, "value": value} for name, value in sorted(config.environment.items())],
        },
    }
    sizes = [1, config.machines - 1] if config.machines > 1 else [1]
    # A Spot machine that is taken away may be replaced; anything else that fails would only fail twice.
    scheduling: dict[str, Any] = {
        "timeout": {"seconds": config.timeout_s},
        "disable_retries": config.provisioning != names.SPOT,
    }
    if config.provisioning != names.ON_DEMAND:
        scheduling["strategy"] = config.provisioning
    if config.provisioning == names.FLEX_START:
        scheduling["max_wait_duration"] = {"seconds": config.max_wait_s}
    return v1.CustomJob(
        display_name=config.run,
        labels={RUN: config.run, KEY: config.key},
        job_spec={
            "worker_pool_specs": [{**pool, "replica_count": size} for size in sizes],
            "scheduling": scheduling,
            "service_account": config.service_account,
            "base_output_directory": {"output_uri_prefix": config.output},
        },
    )


def in_words(job: Any) -> str:
    """The state of a job, such as "waits for a machine"."""
    return STATES.get(job.state.name, f"is in the state {job.state.name}")


def ended(job: Any) -> bool:
    """Whether nothing more will happen to the job."""
    return job.state.name in ENDED


def elapsed_s(job: Any, now: datetime | None = None) -> float:
    """Seconds between start and end of the job by the server's clock; 0 before it runs."""
    if not job.start_time:
        return 0.0
    return max(0.0, ((job.end_time or now or datetime.now(UTC)) - job.start_time).total_seconds())
