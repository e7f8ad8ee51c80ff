"""How the site starts, and when it must not."""

import os
import subprocess
import sys

import pytest

SECRETS = {
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ",
    "ALLOWED_HOSTS": "board.example.org",
    "DATABASE_URL": "sqlite:////tmp/none.sqlite3",
    "TEACHKIT_SITE": "/tmp",
    "EMAIL_HOST": "mail.example.org",
    "EMAIL_FROM": "board@example.org",
}


def started(code, settings, **given):
    """A fresh Python that runs `code` under these settings and nothing else of the environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env = {**kept, "DJANGO_SETTINGS_MODULE": f"teachkit.leaderboard.settings.{settings}", **given}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("absent", SECRETS)
def test_a_site_on_the_internet_does_not_start_without(absent):
    given = {name: value for name, value in SECRETS.items() if name != absent}
    done = started("import django; django.setup()", "prod", **given)
    assert done.returncode != 0
    assert f"{absent} is not set." in done.stderr


@pytest.mark.parametrize("name", ["EMAIL_PORT", "TEACHKIT_TRUSTED_PROXIES"])
def test_a_number_that_is_none_is_named(name):
    done = started("import django; django.setup()", "prod", **{**SECRETS, name: "-1"})
    assert f"{name} is '-1'." in done.stderr


def test_with_its_secrets_it_passes_the_deployment_check_of_django():
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('check', deploy=True, fail_level='WARNING')"
    )
    done = started(code, "prod", **SECRETS)
    assert done.returncode == 0, done.stderr


def test_style_sheets_can_lie_in_an_image_that_knows_no_secret(tmp_path):
    given = {
        **dict.fromkeys(SECRETS, "none"),
        "DATABASE_URL": "sqlite:///none",
        "TEACHKIT_STATIC": str(tmp_path),
    }
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('collectstatic', interactive=False)"
    )
    done = started(code, "prod", **given)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "staticfiles.json").is_file()
    assert list((tmp_path / "leaderboard").glob("site.*.css"))


def test_the_socket_of_cloud_sql_can_stand_in_the_address_of_the_database(tmp_path):
    from teachkit.leaderboard.settings.environment import database

    found = database("postgres://site:secret@%2Fcloudsql%2Fproject%3Aregion%3Aboard/site", tmp_path)
    assert (found["HOST"], found["NAME"], found["USER"]) == ("/cloudsql/project:region:board", "site", "site")


def test_the_key_of_a_site_on_one_machine_is_drawn_once_and_readable_by_its_owner_only(tmp_path):
    from teachkit.leaderboard.settings.keys import kept_key

    path = tmp_path / "site" / "key"
    assert kept_key(path) == kept_key(path)
    assert len(kept_key(path)) > 50
    assert kept_key(tmp_path / "other") != kept_key(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_neither_the_site_nor_the_scoring_child_loads_torch_and_the_child_no_django(tmp_path):
    code = (
        "import sys, django; django.setup()\n"
        "import teachkit.leaderboard.urls, teachkit.leaderboard.submissions.worker\n"
        "assert 'django' in sys.modules\n"
        "print('torch' in sys.modules)"
    )
    done = started(code, "test", TEACHKIT_SITE=str(tmp_path))
    assert done.stdout == "False\n", done.stderr
    child = (
        "import sys, teachkit.leaderboard.submissions.scoring; print({'torch', 'django'} & set(sys.modules))"
    )
    assert started(child, "test").stdout == "set()\n"


def test_handing_in_needs_no_django():
    code = "import sys, teachkit.leaderboard.client; print({'torch', 'django'} & set(sys.modules))"
    assert started(code, "test").stdout == "set()\n"


def test_the_web_server_has_no_way_to_the_labels_and_a_worker_has(tmp_path):
    code = (
        "from teachkit.leaderboard.wsgi import application\n"
        "from teachkit.leaderboard.challenges.models import Challenge\n"
        "print(Challenge(labels='x.npz').labels_path)"
    )
    done = started(code, "test", TEACHKIT_SITE=str(tmp_path))
    assert "it has no way to them" in done.stderr
    assert done.stdout == ""
    elsewhere = str(tmp_path / "vault")
    as_worker = code.replace(
        "from teachkit.leaderboard.wsgi import application", "import django; django.setup()"
    )
    done = started(as_worker, "test", TEACHKIT_SITE=str(tmp_path), TEACHKIT_LABELS=elsewhere)
    assert done.stdout == f"{elsewhere}/x.npz\n", done.stderr


def test_a_web_server_on_the_internet_does_not_start_where_it_could_read_labels(tmp_path):
    given = {**SECRETS, "TEACHKIT_SITE": str(tmp_path)}
    code = "from teachkit.leaderboard.wsgi import application; print('up')"
    assert started(code, "prod", **given).stdout == "up\n"
    (tmp_path / "labels").mkdir()
    done = started(code, "prod", **given)
    assert "its account can read the labels" in done.stderr
    assert done.stdout == ""
    worker = "import django; django.setup(); print('up')"
    assert started(worker, "prod", **given).stdout == "up\n"
