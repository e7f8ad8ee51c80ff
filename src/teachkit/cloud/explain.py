"""What a message of the cloud means, and what to do: quotas, capacity, permissions, switched-off services.

The rules stand in ``explanations.toml``. ``explain(text or error)`` never fails: what no rule knows is
repeated as it came, with where to look.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from teachkit.cloud.names import ACCELERATORS, JOBS_API
from teachkit.errors import CloudError

JOB_QUOTAS = ("custom_model_training", "custommodeltraining")
LONGEST = 300  # characters of a message that is repeated


@dataclass(frozen=True)
class Explanation:
    """One message in plain words; `kind` is that of the rule.

    `metric` is the quota's name where one was in the text.
    """

    kind: str
    what: str
    remedy: str
    metric: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


def explain(message: str | BaseException) -> Explanation:
    """What `message` means, a text or an error; the first rule that fits counts."""
    if isinstance(message, CloudError) and isinstance(
        told := getattr(message, "explanation", None), Explanation
    ):
        return told
    text = _text(message)
    rule, found = next((rule, found) for rule in rules() if (found := _search(rule, text)) is not None)
    parts = {name: value for name, value in found.groupdict().items() if value}
    if metric := parts.get("metric", ""):
        parts |= _about_quota(metric, text)
    words = defaultdict(lambda: "…", parts, text=_shortened(text))
    return Explanation(
        rule["kind"], rule["what"].format_map(words), rule["remedy"].format_map(words), metric=metric
    )


def cloud_error(cause: str | BaseException, doing: str) -> CloudError:
    """The error that tells `cause` in plain words, after what was being done."""
    told = explain(cause)
    return CloudError(f"{doing}: {told.what}", told.remedy, kind=told.kind, explanation=told)


def quota_in_words(metric: str) -> str:
    """What a quota counts, such as ``…/custom_model_training_nvidia_l4_gpus``.

    Some messages name it in another way: ``CustomModelTrainingL4GPUsPerProjectPerRegion``.
    """
    name = metric.rpartition("/")[2].lower()
    gpu = next(
        (item for item in ACCELERATORS.values() if item.quota in name or f"{item.short}gpus" in name), None
    )
    which = gpu.title if gpu else "GPU" if "gpu" in name else "CPU"
    spare = "preemptible" in name
    if name.startswith(JOB_QUOTAS):
        return f"{which}s of training jobs{' started as Spot or Flex-start' if spare else ''}"
    if name.startswith("gpus_all_regions"):
        return "GPUs of virtual machines, such as Workbench, in all regions together"
    if name.endswith("gpus"):
        return f"{which}s of virtual machines, such as Workbench{', as Spot' if spare else ''}"
    return f"'{name}'"


@cache
def rules() -> tuple[Mapping[str, Any], ...]:
    """The rules of ``explanations.toml`` in order; the last one fits everything."""
    content = tomllib.loads(files("teachkit.cloud").joinpath("explanations.toml").read_text(encoding="utf-8"))
    return tuple(content["rule"])


def _search(rule: Mapping[str, Any], text: str) -> re.Match[str] | None:
    matches = (re.search(pattern, text, re.IGNORECASE | re.DOTALL) for pattern in rule["patterns"])
    return next((found for found in matches if found), None)


def _about_quota(metric: str, text: str) -> dict[str, str]:
    limit = re.search(r"limit:?\s*['\"]?(\d+(?:\.\d+)?)", text, re.IGNORECASE)
    if metric.lower().startswith((JOBS_API, *JOB_QUOTAS)):
        way = "Jobs and Workbench have quotas of their own: one does not help the other."
    else:
        way = "GPUS_ALL_REGIONS must be raised too, in the same request."
    return {
        "counted": quota_in_words(metric),
        "allowed": f" It allows {float(limit[1]):g}." if limit else "",
        "way": way,
    }


def _text(message: str | BaseException) -> str:
    if isinstance(message, str):
        return message.strip()
    details = " ".join(str(part) for part in getattr(message, "details", None) or ())
    return f"{type(message).__name__}: {message} {details}".strip()


def _shortened(text: str) -> str:
    line = " ".join(text.split()) or "nothing"
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
