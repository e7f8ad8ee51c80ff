"""A student opens JupyterLab, restarts the kernel, and runs lesson 00 from the top."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture
def lab(root, tmp_path, free_port):
    """Address of a JupyterLab that serves a copy of the course."""
    for folder in ("notebooks", "quizzes", "docs"):
        shutil.copytree(root / folder, tmp_path / folder, ignore=shutil.ignore_patterns("results"))
    env = {k: v for k, v in os.environ.items() if not k.startswith("TEACHKIT_")} | {
        "TEACHKIT_OFFLINE": "1",
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "jupyter"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    options = [
        "--allow-root",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={free_port}",
        "--IdentityProvider.token=",
    ]
    command = [sys.executable, "-m", "jupyterlab", *options, f"--notebook-dir={tmp_path / 'notebooks'}"]
    log = (tmp_path / "lab.log").open("w")
    server = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{free_port}"
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urlopen(f"{address}/api/status", timeout=2).close()
                break
            except (URLError, ConnectionError):
                assert server.poll() is None, (tmp_path / "lab.log").read_text()
                time.sleep(0.3)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


def test_lesson_00_runs_from_the_menu_and_shows_pictures(lab, browser, tmp_path):
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(f"{lab}/lab/tree/00_start_here.ipynb")
    page.locator("p", has_text="What is a notebook, what is an image to a computer").wait_for(timeout=60_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=120_000)
    page.get_by_role("menuitem", name="Kernel").first.click()
    page.get_by_role("menuitem", name="Restart Kernel and Run All Cells").click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    results = tmp_path / "notebooks" / "results" / "00" / "results.json"
    deadline = time.monotonic() + 240  # the first start of a kernel compiles its packages
    while time.monotonic() < deadline:
        if results.exists() and "mean_brightness" in json.loads(results.read_text())["values"]:
            break
        page.wait_for_timeout(500)
    values = json.loads(results.read_text())["values"]
    assert values["overflow"]["value"] == 44
    assert page.locator(".jp-OutputArea-output img[alt]").count() > 0
    page.close()
