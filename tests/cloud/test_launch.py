"""The launcher reads who takes part, and tells torchrun; faked machines of a job meet on this one."""

import json
import os
import subprocess
import sys

import pytest

from teachkit.cloud import launch
from teachkit.cloud.launch import Machines, cleaned, machines_of, torchrun_arguments
from teachkit.errors import SettingsError

PROGRAM = """
import os, sys
import torch
import torch.distributed as group

group.init_process_group("gloo")
rank = group.get_rank()
total = torch.tensor([10.0 ** rank])
group.all_reduce(total)
open(f"{sys.argv[1]}/{rank}", "w").write(f"{group.get_world_size()} {os.environ['GROUP_RANK']} {int(total)}")
group.destroy_process_group()
"""


def spec(pool: str, index: int = 0, primary: int = 1, workers: int = 2) -> dict[str, str]:
    """The variable as the service sets it on one machine of a job."""
    pools = {
        "workerpool0": [f"job-0-{n}:2222" for n in range(primary)],
        "workerpool1": [f"job-1-{n}:2222" for n in range(workers)],
        "workerpool2": ["job-2-0:2222"],
    }
    task = {"type": pool, "index": index, "trial": "1"}
    return {"CLUSTER_SPEC": json.dumps({"cluster": pools, "environment": "cloud", "task": task})}


@pytest.mark.parametrize(("pool", "index", "here"), [("workerpool0", 0, 0), ("workerpool1", 1, 2)])
def test_the_primary_machine_is_number_0_and_workers_follow(pool, index, here):
    assert machines_of(spec(pool, index)) == Machines(("job-0-0", "job-1-0", "job-1-1"), here)


def test_a_single_machine_is_a_job_of_one():
    alone = {"cluster": {"workerpool0": ["job-0-0:2222"]}, "task": {"type": "workerpool0", "index": 0}}
    assert machines_of({"CLUSTER_SPEC": json.dumps(alone)}) == Machines(("job-0-0",), 0)


def test_without_the_variable_this_machine_is_alone():
    assert machines_of({"RANK": "3"}) is None
    assert torchrun_arguments(None, ["-m", "a.b", "--x"], 2) == [
        "--standalone", "--nproc-per-node=2", "-m", "a.b", "--x",
    ]  # fmt: skip


def test_torchrun_is_told_machines_number_address_and_a_port_of_our_own():
    told = torchrun_arguments(Machines(("first", "second"), 1), ["train.py", "--lr", "1"], 4)
    assert told == [
        "--nnodes=2", "--nproc-per-node=4", "--node-rank=1", "--master-addr=first", "--master-port=29500",
        "train.py", "--lr", "1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"CLUSTER_SPEC": "{"}, r"does not say who takes part \(JSONDecodeError.*env -u CLUSTER_SPEC"),
        ({"CLUSTER_SPEC": "[]"}, r"does not say who takes part \(TypeError"),
        ({"CLUSTER_SPEC": '{"cluster": {}, "task": {}}'}, "workerpool0"),
        (spec("workerpool2"), "number 0 of 'workerpool2', which has no part"),
        (spec("workerpool1", 5), "number 5 of 'workerpool1'"),
        (spec("workerpool1", -1), "number -1 of 'workerpool1'"),
        (spec("workerpool0", 1), "number 1 of 'workerpool0'"),
        (spec("workerpool0", primary=2), r"2 machines in workerpool0\..*replicaCount 1"),
    ],
)  # fmt: skip
def test_a_variable_that_makes_no_sense_is_refused_with_what_it_says(environment, message):
    with pytest.raises(SettingsError, match=message):
        machines_of(environment)


def test_numbers_of_machines_are_not_taken_for_numbers_of_processes():
    told = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "x", "MASTER_PORT": "2222", "LOCAL_RANK": "0"}
    assert cleaned(told | {"HOME": "/root", "CLUSTER_SPEC": "{}"}) == {"HOME": "/root", "CLUSTER_SPEC": "{}"}


@pytest.mark.parametrize(("script", "count"), [("echo GPU 0: L4; echo GPU 1: L4", 2), ("exit 9", 0)])
def test_gpus_are_counted_by_the_driver(tmp_path, monkeypatch, script, count):
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert launch.gpus() == count


def test_a_machine_without_driver_has_no_gpus(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert launch.gpus() == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [([], "name the program"), (["--processes", "0", "-m", "a"], "give 1 or more")],
)
def test_a_command_without_sense_says_so(words, message, capsys):
    with pytest.raises(SystemExit):
        launch.main(words)
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("processes", "found"), [(1, ["2 0 11", "2 1 11"]), (2, ["4 0 1111", "4 0 1111", "4 1 1111", "4 1 1111"])]
)
def test_the_processes_of_two_machines_are_one_group(tmp_path, free_port, processes, found):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "teachkit.cloud.launch", "--processes", str(processes)]
    command += ["--port", str(free_port)]
    places = {"workerpool0": ["127.0.0.1:2222"], "workerpool1": ["127.0.0.1:2222"]}
    running = []
    for pool in places:
        text = json.dumps({"cluster": places, "task": {"type": pool, "index": 0}})
        wrong = {"CLUSTER_SPEC": text, "RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "nowhere"}
        words = [*command, str(tmp_path / "program.py"), str(tmp_path)]
        running.append(subprocess.Popen(words, env=os.environ | wrong, stderr=subprocess.PIPE, text=True))
    said = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert [(tmp_path / str(rank)).read_text() for rank in range(len(found))] == found
