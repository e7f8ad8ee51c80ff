"""The GPU step of a build: it runs, it skips loudly, or it fails; its mark says which."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from teachkit.ops.gpu_step import run

Call = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def step(tmp_path: Path) -> Call:
    """`step(gpu=…, image=…, ends=…)`: its exit status, the command it ran, and its mark."""
    (tmp_path / "check.passed").touch()

    def start(gpu: str = "l4", image: str = "image", ends: int = 0, steps: Sequence[str] = ("check",)):
        ran: list[str] = []

        def call(command: Sequence[str]) -> int:
            ran.extend(command)
            return ends

        arguments = [
            str(tmp_path),
            gpu,
            "01 08",
            "class",
            "offline",
            "gs://uni/gpu",
            image,
            "sa@x.org",
            "project",
            "region",
        ]
        status = run([*arguments, *steps], call)
        mark = tmp_path / "gpu.passed"
        return status, ran, mark.read_text() if mark.exists() else ""

    return start


def test_lessons_go_to_the_named_gpu_with_bucket_image_and_account(step: Call) -> None:
    status, ran, mark = step()
    assert status == 0
    text = " ".join(ran)
    assert (
        "cloud run 01 08 --size class --accelerator l4 --data offline --bucket gs://uni/gpu --image image"
        in text
    )
    assert "--service-account sa@x.org --project project --region region" in text
    assert mark == "lessons 01 08 at size class on l4\n"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"gpu": "none"}, "no GPU is asked for"),
        ({"image": "none"}, "_GPU_IMAGE"),
        ({"steps": ("check", "tests")}, "failed already: tests"),
        ({"ends": 2}, "the cloud refused"),
    ],
    ids=["none", "no image", "another step failed", "no quota"],
)
def test_it_skips_loudly(
    step: Call, settings: dict[str, object], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, ran, mark = step(**settings)
    assert status == 0
    assert bool(ran) == ("ends" in settings)
    assert mark.startswith("SKIPPED: ")
    assert why in mark
    assert (
        f"SKIPPED: nothing ran on a GPU, because {mark.removeprefix('SKIPPED: ').strip()}."
        in capsys.readouterr().err
    )


def test_a_lesson_that_fails_on_the_gpu_fails_the_step(step: Call) -> None:
    assert step(ends=1)[0] == 1
    assert step(ends=1)[2] == ""


def test_the_command_is_one_that_exists(step: Call) -> None:
    from click.testing import CliRunner

    from teachkit.cli.main import command

    words = step()[1][3:]
    asked = CliRunner().invoke(command(), [*words, "--dry-run"])
    assert "No such option" not in asked.output
    assert "Missing" not in asked.output
