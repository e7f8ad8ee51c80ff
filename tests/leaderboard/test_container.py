"""The image of the site: the packages of the course's lock, its own user, no secret, two commands."""

import json
import re

import pytest

SECRETS = ("SECRET_KEY", "DATABASE_URL", "EMAIL_HOST_PASSWORD", "TEACHKIT_TOKEN")


@pytest.fixture
def lines(root):
    """The instructions of the container file, continued lines joined, without comments."""
    text = (root / "deploy" / "site" / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    return [line.strip() for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def blocks(path):
    """Each pinned package of a lock with its hashes."""
    found = re.split(r"^(?=\S+==)", path.read_text(), flags=re.MULTILINE)[1:]
    return {block.partition(" \\")[0]: block.strip() for block in found}


def test_its_lock_is_a_part_of_the_lock_of_the_course(root):
    course, site = blocks(root / "requirements.lock"), blocks(root / "deploy" / "site" / "requirements.lock")
    assert {name: course.get(name) for name in site} == site
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
