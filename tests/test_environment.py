"""The two ways to install agree: environment.yml for Workbench, requirements.lock for everything else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml


@pytest.fixture(scope="module")
def environment(root: Path) -> dict:
    return yaml.safe_load((root / "environment.yml").read_text())


def test_lock_names_no_registry_and_hashes_everything(root):
    lock = (root / "requirements.lock").read_text()
    assert "://" not in lock
    pinned = re.findall(r"^([A-Za-z0-9._-]+)==", lock, flags=re.M)
    blocks = re.split(r"^(?=[A-Za-z0-9._-]+==)", lock, flags=re.M)[1:]
    assert len(pinned) == len(blocks) > 100
    assert all("--hash=sha256:" in block for block in blocks)


def test_lock_holds_one_tested_pair_of_torch_and_torchvision(root):
    lock = (root / "requirements.lock").read_text()
    assert re.findall(r"^torch==(\S+)", lock, flags=re.M) == ["2.15.0"]
    assert re.findall(r"^torchvision==(\S+)", lock, flags=re.M) == ["0.29.2"]


def test_environment_asks_for_a_supported_python(environment):
    assert "python=3.12" in environment["dependencies"]


@pytest.mark.slow
def test_pip_part_of_the_environment_installs_in_a_fresh_place(root, environment, tmp_path):
    pip = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("\n".join(pip).replace("requirements.lock", str(root / "requirements.lock")) + "\n")
    uv = [str(Path(sys.executable).with_name("uv")), "--quiet"]
    env = {**os.environ, "UV_LINK_MODE": "hardlink"}
    subprocess.run([*uv, "venv", "--python", sys.executable, str(tmp_path / "venv")], check=True, env=env)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([*uv, "pip", "install", "--python", str(python), "-r", str(wanted)], check=True, env=env)
    subprocess.run(
        [*uv, "pip", "install", "--python", str(python), "--no-deps", "--no-build-isolation", str(root)],
        check=True,
        env=env,
    )
    code = "import torch, torchvision, nbgrader; from teachkit import data; print(data.load('digits').title)"
    environment = {k: v for k, v in env.items() if not k.startswith("TEACHKIT_")} | {"TEACHKIT_OFFLINE": "1"}
    environment["TEACHKIT_CACHE"] = str(tmp_path / "cache")
    done = subprocess.run(
        [str(python), "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "train" in done.stdout
