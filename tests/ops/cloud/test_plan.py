"""What is decided before anything is started: shares, data, time and price, and names that repeat."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from teachkit.cloud import names
from teachkit.course.declaration import Course, read_course
from teachkit.errors import SettingsError, UnknownNameError
from teachkit.ops.cloud.plan import Wishes, data_source, going_on, make_plan, minutes, shares
from teachkit.ops.cloud.words import read

NOW = datetime(2026, 11, 21, 22, 45, tzinfo=UTC)
WISHES = Wishes(
    lessons=("t1",),
    project="p",
    bucket="gs://runs-of-class/2026/",
    image="r/course:1",
    service_account="sa@p",
    data="offline",
)


def test_a_plan_names_lessons_machine_price_and_the_longest_bill(course: Course) -> None:
    plan = make_plan(course, WISHES, NOW)
    assert plan.config.run == f"teachkit-t1-full-{plan.config.key[:4]}-20261121-224500"
    assert plan.config.output == f"gs://runs-of-class/2026/{plan.config.run}"
    assert plan.config.environment == {"TEACHKIT_OFFLINE": "1"}
    assert plan.config.command[:3] == ("python", "-m", "teachkit.ops.cloud.entry")
    assert plan.config.command[-1] == "t1"
    assert plan.expected_s == 600 + 0.3 * 60
    assert plan.price
    assert plan.price.usd == pytest.approx(0.98, abs=0.005)
    told = "\n".join(plan.sentences())
    assert "g2-standard-8 with 1 NVIDIA L4, on demand, in us-central1" in told
    assert f"as known on {plan.price.as_of:%Y-%m-%d}" in told
    assert "Cost: about 0.17 $; at most 0.98 $, when it is stopped after 60 minutes" in told


def test_the_bill_grows_with_machines_and_shrinks_with_spot(course: Course) -> None:
    many = make_plan(course, replace(WISHES, lessons=("t1", "t2"), machines=2), NOW)
    spot = make_plan(course, replace(WISHES, provisioning=names.SPOT), NOW)
    assert "at most 1.96 $" in many.sentences()[-1]
    assert " each." in many.sentences()[-2]
    assert "at most 0.59 $" in spot.sentences()[-1]
    assert "as Spot, which can be taken away" in spot.sentences()[1]


def test_a_machine_without_a_price_gets_none_and_no_guess(course: Course) -> None:
    plan = make_plan(course, replace(WISHES, machine="z9-mega", accelerator="none"), NOW)
    assert plan.price is None
    assert plan.sentences()[-1] == "Cost: the price table does not know z9-mega."
    assert "without one it takes longer" in plan.sentences()[2]


def test_the_key_repeats_for_the_same_words_only(course: Course) -> None:
    key = make_plan(course, WISHES, NOW).config.key
    assert make_plan(course, WISHES, NOW.replace(hour=3)).config.key == key
    assert make_plan(course, replace(WISHES, timeout_s=7200), NOW).config.key == key
    others = [
        {"seed": 1}, {"size": "smoke"}, {"accelerator": "t4"}, {"image": "r/course:2"}, {"lessons": ("t2",)},
        {"program": ("m",)}, {"data": "public"}, {"bucket": "gs://other"},
    ]  # fmt: skip
    keys = {make_plan(course, replace(WISHES, **other), NOW).config.key for other in others}
    assert len(keys | {key}) == len(others) + 1


def test_a_lesson_brings_those_whose_results_it_reads(course: Course) -> None:
    plan = make_plan(course, replace(WISHES, lessons=("t4",)), NOW)
    assert plan.config.command[-2:] == ("t1", "t4")


def test_a_program_takes_the_place_of_lessons(course: Course) -> None:
    wishes = replace(WISHES, lessons=(), program=("teachkit.mmpt.job", "big", "--lr", "0.1"), machines=3)
    plan = make_plan(course, wishes, NOW)
    assert plan.lessons == ()
    assert plan.config.command[-5:] == ("--program", "teachkit.mmpt.job", "big", "--lr", "0.1")
    assert plan.config.run == f"teachkit-mmpt-job-{plan.config.key[:4]}-20261121-224500"
    assert plan.sentences()[0] == "Program: teachkit.mmpt.job big --lr 0.1."
    assert "Cost: at most 12 $, when it is stopped after 240 minutes" in plan.sentences()[-1]
    assert not [line for line in plan.sentences() if line.startswith("Expected")]
    assert going_on(plan, "gs://before").config.command[-6:] == plan.config.command[-6:]


def test_what_is_missing_is_listed_at_once_and_filled_to_look_at(course: Course) -> None:
    with pytest.raises(SettingsError, match="needs --project, --bucket, --image, --service-account"):
        make_plan(course, Wishes(lessons=("t1",)))
    shown = make_plan(course, Wishes(lessons=("t1",), data="public").filled(), NOW)
    assert shown.config.image == "IMAGE"
    assert WISHES.filled() == WISHES


@pytest.mark.parametrize(
    ("change", "kind", "complaint"),
    [
        ({"size": "ful"}, UnknownNameError, "Did you mean 'full'"),
        ({"lessons": ("t9",)}, UnknownNameError, "No lesson 't9'"),
        ({"bucket": "runs"}, SettingsError, "'runs' is not the address of a bucket"),
        ({"machines": 2}, SettingsError, "Give --machines 1 at most"),
        ({"lessons": ("t1", "t4"), "machines": 2}, SettingsError, "stay together. Give --machines 1 at most"),
    ],
)
def test_wishes_that_do_not_fit_are_refused(
    change: dict, kind: type[Exception], complaint: str, course: Course
) -> None:
    with pytest.raises(kind, match=complaint):
        make_plan(course, replace(WISHES, **change), NOW)


def test_shares_hold_each_lesson_once_and_keep_readers_with_what_they_read(root) -> None:
    lessons = read_course(root).lessons
    for machines in range(1, 12):
        parts = shares(lessons, machines, "full")
        assert sorted(lesson.id for part in parts for lesson in part) == [lesson.id for lesson in lessons]
        assert all(parts)
        place = {lesson.id: part for part in parts for lesson in part}
        assert all(place[lesson.id] is place[other] for lesson in lessons for other in lesson.results_from)


def test_two_machines_take_about_half_of_the_time_each(root) -> None:
    lessons = read_course(root).lessons
    parts = shares(lessons, 2, "full")
    longest = max(minutes(part, "full") for part in parts)
    assert longest < 0.6 * minutes(lessons, "full")


def test_readers_stay_with_what_they_read_whoever_is_dealt_first(course: Course) -> None:
    parts = shares(course.lessons, 4, "full")
    assert sorted([lesson.id for lesson in part] for part in parts) == [["t1", "t4"], ["t2"], ["t3"]]


@pytest.mark.parametrize(
    ("chosen", "here", "told"),
    [
        ("", {}, {}),
        ("public", {"TEACHKIT_OFFLINE": "1"}, {}),
        ("", {"TEACHKIT_OFFLINE": "1"}, {"TEACHKIT_OFFLINE": "1"}),
        ("", {"TEACHKIT_BUCKET": "gs://data"}, {"TEACHKIT_BUCKET": "gs://data"}),
        ("gs://mine", {"TEACHKIT_BUCKET": "gs://data"}, {"TEACHKIT_BUCKET": "gs://mine"}),
        ("offline", {"TEACHKIT_DATA": "/data"}, {"TEACHKIT_OFFLINE": "1"}),
    ],
)
def test_the_machine_is_told_where_its_data_come_from(
    chosen: str, here: dict[str, str], told: dict[str, str]
) -> None:
    assert data_source(chosen, here) == told


def test_a_folder_of_this_machine_is_no_source_for_another() -> None:
    with pytest.raises(SettingsError, match="TEACHKIT_DATA=/data is a folder of this machine"):
        data_source("", {"TEACHKIT_DATA": "/data"})
    with pytest.raises(SettingsError, match="'somewhere' is not the address of a bucket"):
        data_source("somewhere", {})


def test_going_on_changes_the_command_only(course: Course) -> None:
    plan = make_plan(course, WISHES, NOW)
    resumed = going_on(plan, "gs://runs-of-class/before")
    assert resumed.config.command[3:5] == ("--earlier", "gs://runs-of-class/before")
    assert (*resumed.config.command[:3], *resumed.config.command[5:]) == plan.config.command
    assert read(resumed.config.command).earlier == "gs://runs-of-class/before"
    assert replace(resumed.config, command=plan.config.command) == plan.config
