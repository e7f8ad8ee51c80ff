"""Instances of a class: commands from the roster, names without clashes, prices and quotas."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from teachkit.cli.main import command
from teachkit.course.roster import Entry, Roster, write_roster
from teachkit.errors import SettingsError, UnknownNameError
from teachkit.ops.instances import Machine, commands, instance_names, quota

ROBOT = "ada@uni.iam.gserviceaccount.com"
ROSTER = Roster((Entry("Ada.L@x.org", "ada@example.org"), Entry("bob", ROBOT)))
MACHINE = Machine(
    "gs://uni/course/", account="vm@uni.iam.gserviceaccount.com", gpu="l4", exchange="gs://uni/term"
)


def flags(line: list[str]) -> dict[str, str]:
    return dict(word.removeprefix("--").partition("=")[::2] for word in line if word.startswith("--"))


def test_each_student_gets_an_instance_with_the_named_image_gpu_and_idle_shutdown() -> None:
    ada, bob = commands("create", ROSTER, MACHINE)
    assert ada[:4] == ["gcloud", "workbench", "instances", "create"]
    given_ = flags(ada)
    assert given_["vm-image-family"] == "workbench-instances-2603"
    assert (given_["accelerator-type"], given_["accelerator-core-count"]) == ("NVIDIA_L4", "1")
    assert given_["machine-type"].startswith("g2-")
    assert "install-gpu-driver" in given_
    metadata = dict(pair.split("=", 1) for pair in given_["metadata"].split(","))
    assert metadata["idle-timeout-seconds"] == "3600"
    assert metadata["post-startup-script"] == "gs://uni/course/post_startup.sh"
    assert metadata["teachkit-student"] == "Ada.L@x.org"
    assert metadata["teachkit-exchange"] == "gs://uni/term"
    assert "teachkit-data" not in metadata
    assert "teachkit-student=bob" in flags(bob)["metadata"]


def test_the_start_script_reads_every_key_that_an_instance_gets(root: Path) -> None:
    script = (root / "deploy" / "post_startup.sh").read_text()
    everything = Machine("gs://u/c", account="a@b.c", exchange="gs://u/e", data="gs://u/d", term="t26")
    metadata = flags(commands("create", ROSTER, everything)[0])["metadata"]
    keys = re.findall(r"teachkit-(\w+)=", metadata)
    assert set(keys) == {"course", "student", "exchange", "data", "term"}
    (listed,) = re.findall(r"attributes=\(([a-z ]+)\)", script)
    assert {"course", *listed.split()} == set(keys)


def test_a_person_opens_the_instance_and_a_service_account_works_on_it() -> None:
    ada, bob = (flags(line) for line in commands("create", ROSTER, MACHINE))
    assert ada["instance-owners"] == "ada@example.org"
    assert ada["service-account-email"] == MACHINE.account
    assert "instance-owners" not in bob
    assert bob["service-account-email"] == ROBOT


def test_without_a_gpu_no_driver_and_no_quota_is_asked_for() -> None:
    plain = Machine("gs://uni/course", account="vm@uni.iam.gserviceaccount.com")
    assert "accelerator-type" not in flags(commands("create", ROSTER, plain)[0])
    assert "install-gpu-driver" not in flags(commands("create", ROSTER, plain)[0])
    assert quota(plain, 40) == ""
    assert "NVIDIA_T4_GPUS >= 40 in us-central1," in quota(Machine("gs://a/b", gpu="t4"), 40)


def test_stop_and_delete_touch_the_same_instances_and_carry_nothing_else() -> None:
    made = {line[4] for line in commands("create", ROSTER, MACHINE)}
    for action in ("stop", "start", "delete"):
        lines = commands(action, ROSTER, MACHINE)
        assert {line[4] for line in lines} == made
        assert all(set(flags(line)) == {"location", "async", "quiet"} for line in lines)


@given(st.lists(st.from_regex(r"[A-Za-z0-9._@-]{1,80}", fullmatch=True), unique=True, min_size=1, max_size=8))
def test_names_are_what_the_service_accepts_and_never_clash(students: list[str]) -> None:
    found = instance_names(Roster(tuple(Entry(student, "a@example.org") for student in students)))
    assert len(set(found.values())) == len(students)
    for name in found.values():
        assert re.fullmatch(r"[a-z][a-z0-9-]{0,61}[a-z0-9]", name)


def test_a_student_keeps_the_name_when_others_join() -> None:
    alone = instance_names(Roster((Entry("Ada", "a@example.org"),)))
    more = instance_names(Roster((Entry("Ada", "a@example.org"), Entry("ada", "b@example.org"))))
    assert alone["Ada"] == more["Ada"] != more["ada"]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: commands("create", ROSTER, Machine("gs://uni/c")), "needs a service account"),
        (lambda: Machine("uni/course"), "not the address of a bucket"),
        (lambda: Machine("gs://uni/c", term="a,b"), "characters that do not belong"),
        (lambda: Machine("gs://uni/c", idle_minutes=5), "5 idle minutes"),
    ],
    ids=["no account", "no bucket", "a comma", "idle"],
)
def test_settings_that_cannot_work_are_refused(make, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        make()


def test_unknown_students_and_actions_are_named() -> None:
    with pytest.raises(UnknownNameError, match="'bob'"):
        commands("stop", ROSTER, MACHINE, ["bobb"])
    with pytest.raises(UnknownNameError, match="'delete'"):
        commands("deleet", ROSTER, MACHINE)


def test_the_command_prints_price_quota_and_commands_and_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nonexistent")
    write_roster(ROSTER, tmp_path / "roster.csv")
    words = [
        "course",
        "instances",
        "create",
        "--course",
        "gs://uni/c",
        "--account",
        "vm@uni.iam.gserviceaccount.com",
    ]
    done = CliRunner().invoke(command(), [*words, "--accelerator", "t4"], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.output.count("gcloud workbench instances create course-") == 2
    assert re.search(
        r"2 instances: \d+\.\d\d \$ an hour; each .*NVIDIA_TESLA_T4.* 20\d\d-\d\d-\d\d", done.output
    )
    assert "NVIDIA_T4_GPUS >= 2" in done.output
    assert "Nothing is done yet" in done.output
