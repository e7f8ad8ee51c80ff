"""The tests of this folder once more, on a PostgreSQL and a MariaDB server of Debian on loopback."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("databases")]
# The browser's tests start a site of their own; the others ask no database.
ELSEWHERE = {"databases", "in_the_browser", "container", "settings"}


class Server:
    """A database server that can be killed and started again.

    Attributes:
        address: as in ``DATABASE_URL``.
        sign: what kills it at once, without the steps of an orderly end.
    """

    def __init__(self, command: list[Any], address: str, port: int, sign: int, **account: Any) -> None:
        self.command, self.address, self.port, self.sign, self.account = command, address, port, sign, account
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.account
        )
        end = time.monotonic() + 90
        while time.monotonic() < end:
            assert self.process.poll() is None, "the database server has ended"
            try:
                with socket.create_connection(("127.0.0.1", self.port), 2):
                    time.sleep(0.5)
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the database server does not answer")

    def kill(self) -> None:
        """End it without a word to anybody."""
        self.process.send_signal(self.sign)
        self.process.wait(60)

    def watch(self, wish: Path, over: threading.Event) -> None:
        """Whenever the file `wish` is there: kill the server, start it again, and remove the file."""
        while not over.wait(0.05):
            if wish.exists():
                self.kill()
                self.start()
                wish.unlink()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the account of a database server can enter."""
    made = Path(tempfile.mkdtemp(prefix="teachkit-db-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def postgres(folder, need_tool, free_port) -> Iterator[Server]:
    """A fresh PostgreSQL server."""
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
    address = f"postgres://site@127.0.0.1:{free_port}/postgres"
    # SIGQUIT: its children end at once too, and the next start recovers as after a crash.
    server = Server([tools / "postgres", *options], address, free_port, signal.SIGQUIT, **account)
    yield server
    server.kill()


@pytest.fixture
def mariadb(folder, need_tool, free_port) -> Iterator[Server]:
    """A fresh MariaDB server."""
    server_program = need_tool("mariadbd", "mariadb-server")
    install = need_tool("mariadb-install-db", "mariadb-server")
    user = "root" if os.geteuid() == 0 else os.environ.get("USER", "")
    shared = ["--no-defaults", f"--datadir={folder / 'data'}", f"--user={user}"]
    make = [install, *shared, "--auth-root-authentication-method=normal"]
    subprocess.run(make, check=True, capture_output=True)
    options = ["--bind-address=127.0.0.1", f"--port={free_port}", f"--socket={folder / 'socket'}"]
    fast = ["--skip-log-bin", "--innodb-flush-log-at-trx-commit=2"]  # what is committed outlives the server
    command = [server_program, *shared, *options, *fast]
    server = Server(command, f"mysql://root@127.0.0.1:{free_port}/mysql", free_port, signal.SIGKILL)
    yield server
    server.kill()


@pytest.mark.parametrize(("kind", "vendor"), [("postgres", "postgresql"), ("mariadb", "mysql")])
def test_the_same_tests_pass_on(kind, vendor, request, root, tmp_path):
    server = request.getfixturevalue(kind)
    files = sorted((root / "tests" / "leaderboard").glob("test_*.py"))
    chosen = [path for path in files if path.stem.removeprefix("test_") not in ELSEWHERE]
    assert len(chosen) == len(files) - len(ELSEWHERE)
    env = {**os.environ, "DATABASE_URL": server.address, "EXPECTED_VENDOR": vendor}
    env["DATABASE_RESTART"] = str(tmp_path / "restart")
    over = threading.Event()
    watching = threading.Thread(target=server.watch, args=(tmp_path / "restart", over))
    watching.start()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen],
            cwd=root,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        over.set()
        watching.join()
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout
    assert " skipped" not in done.stdout, done.stdout[-3000:]
