"""A machine of a cluster starts as what its metadata says, and opens its ports to its own network alone."""

import os
import re
import subprocess
from pathlib import Path

import pytest

METADATA = {
    "image": "us-central1-docker.pkg.dev/p/course/lessons:1",
    "inside": "10.10.0.0/24",
    "bucket": "gs://b/data",
}


@pytest.fixture
def start(root: Path, tmp_path: Path):
    """Run the script with programs that only note how they are called; gives its status and the calls."""
    for name in ("iptables", "docker", "docker-credential-gcr"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/calls\n')
    (tmp_path / "nproc").write_text("#!/bin/sh\necho 8\n")

    def run(**metadata: str) -> tuple[int, str, list[str]]:
        answers = "".join(f"*/{key}) echo '{value}' ;;\n" for key, value in metadata.items())
        (tmp_path / "curl").write_text(
            f'#!/bin/sh\nfor last; do :; done\ncase "$last" in\n{answers}*) exit 22 ;;\nesac\n'
        )
        for program in tmp_path.iterdir():
            program.chmod(0o755)
        told = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "COURSE_HOME": str(tmp_path / "home")}
        done = subprocess.run(
            ["bash", root / "deploy" / "cluster_machine.sh"], env=told, capture_output=True, text=True
        )
        calls = tmp_path / "calls"
        return done.returncode, done.stderr, calls.read_text().splitlines() if calls.exists() else []

    return run


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("scheduler", "dask scheduler --port 8786 --no-dashboard"),
        ("worker", "dask worker tcp://sweep-scheduler:8786 --nthreads 1 --nworkers 8 --no-dashboard"),
    ],
)
def test_a_machine_is_what_its_metadata_says(start, part, words):
    code, said, calls = start(**METADATA, part=part)
    assert (code, said) == (0, "")
    assert calls[-1].endswith(f"--env TEACHKIT_BUCKET=gs://b/data {METADATA['image']} {words}")
    assert "docker-credential-gcr configure-docker --registries=us-central1-docker.pkg.dev" in calls


def test_ports_are_opened_to_the_own_network_and_the_tunnel_alone(start):
    *_, calls = start(**METADATA, part="worker")
    opened = [re.findall(r"--source (\S+)", call) for call in calls if call.startswith("iptables")]
    assert opened == [["10.10.0.0/24"], ["35.235.240.0/20"]]


def test_a_part_that_nobody_knows_and_metadata_that_are_missing_start_nothing(start):
    code, said, calls = start(**METADATA, part="boss")
    assert code == 1
    assert "'part' is 'boss'. Set it to scheduler or worker." in said
    assert not any(call.startswith("docker ") for call in calls)
    code, _, calls = start(image="i", part="worker", inside="10.0.0.0/8")  # and no bucket
    assert code == 22
    assert not any(call.startswith("docker ") for call in calls)
