"""mm-PT as a program: what it writes, and that a killed process costs no more than the pass it was in."""

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from teachkit import mmpt
from teachkit.mmpt import job

WORDS = ("ihc_patches", "--optimizer", "sgd", "--lr", "0.01", "--seed", "1", "--device", "cpu")


def test_a_program_writes_network_scores_and_where_it_ran(offline, tmp_path, capsys):
    job.main([*WORDS, "--steps", "3", "--out", str(tmp_path / "out")])
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    assert found["history"]["steps"] == 3
    assert found["where"] | {"torch": ""} == {"processes": 1, "torch": "", "device": "cpu"}
    assert found["settings"]["lr"] == 0.01
    assert set(found["test"]) == {"ihc_patches"}
    assert mmpt.MMPT.load(tmp_path / "out" / "network.pt").history.steps == 3
    assert "3 steps" in capsys.readouterr().out


def test_a_second_start_takes_what_is_there(offline, tmp_path, capsys):
    for _ in range(2):
        job.main([*WORDS, "--steps", "3", "--out", str(tmp_path)])
    first, second = (re.sub(r".* in ", "", line) for line in capsys.readouterr().out.splitlines())
    assert first == second  # seconds included: nothing was trained again


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["didgits", "--epochs", "1"], "UnknownNameError: .* 'digits'"),
        (["digits", "--epochs", "1", "--steps", "1"], "SettingsError: epochs is 1 and steps is 1"),
        (["digits", "--epochs", "1", "--lr", "-1"], "SettingsError: lr is -1.0"),
    ],
)
def test_what_makes_no_sense_ends_the_program_with_a_sentence(offline, tmp_path, words, message):
    with pytest.raises(SystemExit, match=message):
        job.main([*words, "--out", str(tmp_path)])


def test_the_words_of_the_command_are_settings_of_pretrain():
    assert {*job.WORDS, *job.WHOLE, *job.NUMBERS} <= set(inspect.signature(mmpt.pretrain).parameters)


def test_only_the_first_process_writes_results(offline, tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    job.main([*WORDS, "--steps", "2", "--out", str(tmp_path)])
    assert not (tmp_path / "results.json").exists()
    assert not (tmp_path / "network.pt").exists()


@pytest.mark.slow
def test_a_killed_process_ends_the_job_by_its_name_and_a_smaller_job_goes_on(offline, tmp_path):
    words = [*WORDS, "--epochs", "3", "--out"]
    command = [sys.executable, "-m", "teachkit.cloud.launch", "--processes", "2", "-m", "teachkit.mmpt.job"]
    process = subprocess.Popen([*command, *words, str(tmp_path / "two")], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "two" / "checkpoint.pt").exists():  # the end of the first pass
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    children = psutil.Process(process.pid).children()
    (second,) = [child for child in children if child.environ().get("RANK") == "1"]
    os.kill(second.pid, signal.SIGKILL)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 1
    assert "Rank 1 on " in said
    assert "(machine 0 of 1) was ended by signal 9 (SIGKILL), and the job ended with it." in said
    assert not (tmp_path / "two" / "results.json").exists()
    for name in ("two", "one"):  # one process takes the steps of two
        job.main([*words, str(tmp_path / name)])
    many, one = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("two", "one"))
    assert many["history"] == one["history"]
    for name, scores in one["test"].items():  # rounding differs, and a network amplifies it
        assert many["test"][name]["loss"] == pytest.approx(scores["loss"], rel=0.02)
