"""Starts Django, the web server and the workers; commands call these functions."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from teachkit.errors import SettingsError
from teachkit.extras import need

DEFAULT_SETTINGS = "teachkit.leaderboard.settings.dev"


def set_up() -> None:
    """Make Django ready; ``DJANGO_SETTINGS_MODULE`` chooses the settings, by default ``dev``.

    Raises:
        MissingExtraError: without the extra ``site``.
    """
    django = need("django", "site")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", DEFAULT_SETTINGS)
    django.setup()


def prepare(*, shipped: bool = True) -> Path:
    """Bring the tables up to date and open the shipped challenges; the folder of the site."""
    from django.conf import settings
    from django.core.management import call_command

    from teachkit.leaderboard.challenges import opening

    folder = Path(settings.SITE_FOLDER)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    call_command("migrate", verbosity=0, interactive=False)
    if shipped:
        opening.ship()
    return folder


def web_server(host: str, port: int) -> list[str]:
    """The command of the web server: two processes, four threads each."""
    return [
        *(sys.executable, "-m", "gunicorn", "teachkit.leaderboard.wsgi:application"),
        *("--bind", f"{host}:{port}", "--workers", "2", "--threads", "4", "--worker-class", "gthread"),
        *("--timeout", "60", "--graceful-timeout", "10", "--no-control-socket"),
    ]


def serve(host: str, port: int, workers: int) -> int:
    """Run the web server and the workers until interrupted; a worker that dies is started again.

    Raises:
        SettingsError: no worker would start, or the web server has ended.
    """
    from teachkit.leaderboard.challenges.vault import check_that_labels_are_private

    check_that_labels_are_private()
    commands = {"web": web_server(host, port)}
    for number in range(workers):
        commands[f"worker {number + 1}"] = [sys.executable, "-m", "teachkit.cli", "site", "worker"]
    stopping: list[int] = []
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda number, _: stopping.append(number))
    running = {name: subprocess.Popen(command) for name, command in commands.items()}
    try:
        while not stopping:
            time.sleep(0.2)
            if running["web"].poll() is not None:
                raise SettingsError(
                    f"The web server ended with {running['web'].returncode}.",
                    f"Is port {port} in use? Try --port {port + 1}.",
                )
            for name, process in running.items():
                if process.poll() is not None:
                    running[name] = subprocess.Popen(commands[name])
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait(30)
    return 0
