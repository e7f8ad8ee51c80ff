"""Kernels in a box, each started once for the tests of one file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from teachkit.course import box

MARK = "what a student handed in"


class Boxed:
    """A running kernel in a box, and the folder that it runs in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manager = KernelManager(kernel_name=box.KERNEL)
        self.manager.start_kernel(cwd=str(folder))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)

    def run(self, code: str, timeout: float = 60) -> str:
        """Everything that `code` prints, and the name and text of its error."""
        said: list[str] = []

        def note(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                said.append(content["text"])
            elif message["msg_type"] == "error":
                said.append(f"{content['ename']}: {content['evalue']}")

        self.client.execute_interactive(code, timeout=timeout, output_hook=note)
        return "".join(said)

    def end(self) -> None:
        """Stop the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def boxed(need_box: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boxed]:
    """A kernel in a box, beside a gradebook and a home folder that it must not see."""
    course = tmp_path_factory.mktemp("course")
    (course / "gradebook.db").write_text("all points")
    folder = course / "submitted" / "ada" / "quiz"
    folder.mkdir(parents=True)
    (folder / "own.txt").write_text(MARK)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/root/key.json")
        patch.setenv("TEACHKIT_SECRET", "a secret of the instructor")
        patch.setenv("OMP_NUM_THREADS", "1")
        kernel = Boxed(folder)
    yield kernel
    kernel.end()
