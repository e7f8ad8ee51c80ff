"""The tests of this folder once more, on a PostgreSQL and a MariaDB server of Debian on loopback."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("databases")]
ROOMS = (
    "keeping",
    "limits",
    "submitting",
    "worker",
    "board",
    "api",
    "permissions",
    "pages",
    "accounts",
    "uploads",
    "results",
)
FILES = (*ROOMS, "classes", "keeping")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the account of a database server can enter."""
    made = Path(tempfile.mkdtemp(prefix="teachkit-db-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def postgres(folder, need_tool, free_port) -> Iterator[str]:
    """The address of a fresh PostgreSQL server."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))  # not on the path there
    tools = (debian[-1] if debian else Path(need_tool("postgres", "postgresql"))).resolve().parent
    # PostgreSQL does not run as root; Debian brings an account for it.
    account = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    if account:
        shutil.chown(folder, **account)
    data = folder / "data"
    make = [tools / "initdb", "-D", data, "-U", "site", "--auth=trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(make, check=True, capture_output=True, **account)
    options = ["-D", data, "-p", str(free_port), "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off"]
    with subprocess.Popen(
        [tools / "postgres", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **account
    ) as server:
        _wait_until(free_port, server)
        yield f"postgres://site@127.0.0.1:{free_port}/postgres"
        server.terminate()


@pytest.fixture
def mariadb(folder, need_tool, free_port) -> Iterator[str]:
    """The address of a fresh MariaDB server."""
    server_program = need_tool("mariadbd", "mariadb-server")
    install = need_tool("mariadb-install-db", "mariadb-server")
    user = "root" if os.geteuid() == 0 else os.environ.get("USER", "")
    shared = ["--no-defaults", f"--datadir={folder / 'data'}", f"--user={user}"]
    make = [install, *shared, "--auth-root-authentication-method=normal"]
    subprocess.run(make, check=True, capture_output=True)
    options = ["--bind-address=127.0.0.1", f"--port={free_port}", f"--socket={folder / 'socket'}"]
    fast = ["--skip-log-bin", "--innodb-flush-log-at-trx-commit=0"]
    with subprocess.Popen(
        [server_program, *shared, *options, *fast], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        _wait_until(free_port, server)
        yield f"mysql://root@127.0.0.1:{free_port}/mysql"
        server.terminate()


@pytest.mark.parametrize(("kind", "vendor"), [("postgres", "postgresql"), ("mariadb", "mysql")])
def test_the_same_tests_pass_on(kind, vendor, request, root):
    address = request.getfixturevalue(kind)
    env = {**os.environ, "DATABASE_URL": address, "EXPECTED_VENDOR": vendor}
    files = [root / "tests" / "leaderboard" / f"test_{name}.py" for name in FILES]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *filter(Path.exists, files)],
        cwd=root,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout


def _wait_until(port: int, server: subprocess.Popen) -> None:
    """The server answers."""
    import socket

    end = time.monotonic() + 90
    while time.monotonic() < end:
        assert server.poll() is None, "the database server has ended"
        try:
            with socket.create_connection(("127.0.0.1", port), 2):
                time.sleep(0.5)
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the database server does not answer")
