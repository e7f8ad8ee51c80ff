"""JupyterLab's server offers the box among its kernels, and code that it starts there stays inside."""

import asyncio

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

from teachkit.course import box

pytestmark = [pytest.mark.xdist_group("box"), pytest.mark.slow]

TELL = "import os, socket\nprint(os.environ['HOME'], os.environ.get('KEY'), os.listdir('.'))"


async def said_by_a_kernel(folder):
    """What a kernel of the server prints, and whether it still answers after a restart."""
    manager = AsyncMappingKernelManager(root_dir=str(folder))
    name = await manager.start_kernel(kernel_name=box.KERNEL, path="")
    try:
        first = await _run(manager.get_kernel(name), TELL)
        await manager.restart_kernel(name, now=True)
        second = await _run(manager.get_kernel(name), "print(2 + 2)")
    finally:
        await manager.shutdown_kernel(name, now=True)
    return first, second


async def _run(kernel, code):
    client = kernel.client()
    client.start_channels()
    await client.wait_for_ready(timeout=240)
    said = []

    def note(message):
        if message["msg_type"] == "stream":
            said.append(message["content"]["text"])

    await client._async_execute_interactive(code, timeout=120, output_hook=note)
    client.stop_channels()
    return "".join(said).strip()


def test_the_server_lists_the_box_by_its_name():
    assert KernelSpecManager().get_all_specs()[box.KERNEL]["spec"]["display_name"] == "Python in a box"


def test_a_kernel_of_the_server_runs_in_the_box_and_can_be_restarted(need_box, tmp_path, monkeypatch):
    monkeypatch.setenv("KEY", "secret of the instructor")
    (tmp_path / "own.txt").write_text("mine")
    first, second = asyncio.run(said_by_a_kernel(tmp_path))
    assert first == "/tmp/home None ['own.txt']"
    assert second == "4"
