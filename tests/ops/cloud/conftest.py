"""A tiny course that was run once, a bucket, and a stand-in for the service whose machines leave that run."""

import importlib.util
import io
import json
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from rich.console import Console

from teachkit.cloud import service
from teachkit.cloud.bucket_store import BucketStore
from teachkit.cloud.store import MemoryStore
from teachkit.course.declaration import Course, read_course
from teachkit.course.progress import RunProgress
from teachkit.course.runner import Options, run_lessons
from teachkit.ops.cloud import entry
from teachkit.ops.cloud.files import FAILED, FINISHED, Manifest, upload

SOURCES = ("TEACHKIT_DATA", "TEACHKIT_BUCKET", "TEACHKIT_OFFLINE")
OPTIONS = (
    "TEACHKIT_RUNS", "TEACHKIT_IMAGE", "TEACHKIT_REGION", "TEACHKIT_ACCOUNT", "GOOGLE_CLOUD_PROJECT",
)  # fmt: skip


def _tiny_courses() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "course" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tiny_courses", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Four lessons after a run: t1 is good, t2 raises, t3 misses its band, t4 reads t1."""
    tiny = _tiny_courses()
    course: Course = tiny.build_course(
        tmp_path_factory.mktemp("cloud") / "course",
        ("t1", "good", tiny.EXPECTATIONS),
        ("t2", "raises"),
        ("t3", "misses_band", tiny.EXPECTATIONS),
        ("t4", "reads_good", "", 'results_from = ["t1"]'),
    )
    with RunProgress(Console(file=io.StringIO())) as progress, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLBACKEND", "agg")
        run_lessons(course, course.lessons, Options(out=course.root / "build", jobs=2), progress)
    return course


@pytest.fixture
def course(done: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A copy of that course without its run, as working directory."""
    root = tmp_path / "course"
    shutil.copytree(done.root, root, ignore=shutil.ignore_patterns("build"))
    monkeypatch.chdir(root)
    for name in (
        "TEACHKIT_DATA",
        "TEACHKIT_BUCKET",
        "TEACHKIT_RUNS",
        "TEACHKIT_IMAGE",
        "GOOGLE_CLOUD_PROJECT",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEACHKIT_OFFLINE", "1")
    return read_course(root)


@pytest.fixture
def bucket(storage_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[storage.Bucket]:
    """An empty bucket, gs://runs-of-class, on a storage server of this machine."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage_server)
    made = storage.Client(project="test", credentials=AnonymousCredentials()).create_bucket("runs-of-class")
    yield made
    made.delete(force=True)


@pytest.fixture
def machines(
    done: Course, bucket: storage.Bucket, jobs_service: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """`machines({0: ["t1"]})`: when the job runs, machine 0 leaves lesson t1, as the real run left it."""
    monkeypatch.setattr(service, "POLL_S", 0.01)

    def prepare(left: dict[int, list[str]], states: dict[int, str] | None = None, problem: str = "") -> None:
        def on_state(state: str, job: Any) -> None:
            if state != "RUNNING":
                return
            output = job.job_spec.base_output_directory.output_uri_prefix
            for machine, lessons in left.items():
                folder = tmp_path / "machines" / job.display_name / str(machine)
                for lesson in lessons:
                    shutil.copytree(done.root / "build" / "lessons" / lesson, folder / "lessons" / lesson)
                ended = (states or {}).get(machine, FAILED if problem else FINISHED)
                upload(BucketStore(output), Manifest(machine, ended, problem, "NVIDIA L4"), folder, {})

        jobs_service.on_state = on_state

    return prepare


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, MemoryStore]]:
    """The stores that the entry opens, by address."""
    opened: dict[str, MemoryStore] = {}
    monkeypatch.setattr(entry, "BucketStore", lambda url: opened.setdefault(url, MemoryStore(url)))
    monkeypatch.setattr(entry, "_report", lambda lessons, options: None)
    monkeypatch.delenv("CLUSTER_SPEC", raising=False)
    handler = signal.getsignal(signal.SIGTERM)
    yield opened
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def in_cluster(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """`in_cluster(1, 2)`: from now on this is the second of two machines, as the service says it."""

    def become(machine: int, number: int) -> None:
        pool, index = ("workerpool0", 0) if machine == 0 else ("workerpool1", machine - 1)
        pools = {"workerpool0": ["a-0:2222"], "workerpool1": [f"b-{i}:2222" for i in range(number - 1)]}
        task = {"type": pool, "index": index}
        monkeypatch.setenv("CLUSTER_SPEC", json.dumps({"cluster": pools, "task": task}))

    return become
