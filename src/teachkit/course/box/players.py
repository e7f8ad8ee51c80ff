"""A kernel that plays cells of a notebook and outlives none of its faults."""

import asyncio
import os
from pathlib import Path
from queue import Empty
from subprocess import DEVNULL
from typing import Any

from jupyter_core.utils import ensure_async
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute

from teachkit.course.box.walls import Room

ASK_S = 60
FOLDER_MIB = 2048  # what answers may write: the disk is that of the machine that grades
MAX_OUTPUT = 8 * 2**20  # characters of one cell; what comes after them is dropped
TOO_MUCH = "\n… More was printed; it was not kept.\n"
OUTPUTS = ("stream", "display_data", "update_display_data")
# At the end of the path: a module of the student's is found, and none can stand in for another one.
OWN_MODULES = "--InteractiveShellApp.exec_lines=__import__('sys').path.append('')"


class Player(Execute):
    """One kernel in a folder. A cell that ends the kernel, or does not end, costs only what comes after it.

    Attributes:
        ended: why there is no kernel any more, in one sentence; empty while there is one.
        ended_at: id of the cell that ended it; empty when that cell has none.
    """

    ended = ""
    ended_at = ""
    startup_timeout = 240  # seconds; a busy machine takes its time
    shutdown_kernel = "immediate"
    printed = 0

    async def open(self, folder: Path, *, writable: bool) -> None:
        """Start the kernel's process; `ready` waits for it.

        Where nothing may be written no module is imported from the folder either: it holds files that
        somebody handed in, and one called ``numpy.py`` would run.
        """
        self.resources: Any = {"metadata": {"path": str(folder)}}
        self.create_kernel_manager()
        if writable:
            self.extra_arguments = [OWN_MODULES]
        await self.async_start_new_kernel(
            room=Room(writable=writable, full_mib=FOLDER_MIB),
            env={**os.environ, "PYTHONSAFEPATH": "1"},
            stdout=DEVNULL,
            stderr=DEVNULL,
        )

    async def ready(self) -> None:
        """Wait until the kernel answers."""
        await self.async_start_new_kernel_client()

    async def close(self) -> None:
        """End the kernel, if it has not ended itself."""
        if self.km is not None:
            manager: Any = self.km
            self.ended = self.ended or getattr(manager.provisioner, "stopped", "")
            await self._async_cleanup_kernel()

    async def play(self, index: int) -> None:
        """Run the cell with this number; its outputs, or why it could not run, are then in the notebook."""
        cell = self.nb.cells[index]
        if self.ended:
            cell.outputs = [_error("NotRun", f"An earlier cell ended the kernel. {self.ended}")]
            return
        self.printed = 0
        try:
            await self.async_execute_cell(cell, index, store_history=True)
        except DeadKernelError:
            manager: Any = self.km
            reason = getattr(manager.provisioner, "stopped", "") or "The code of this cell ended the kernel."
            self._note(cell, reason)
        except (TimeoutError, CellTimeoutError, Empty):
            await ensure_async(self.km.shutdown_kernel(now=True))
            self._note(cell, f"This cell did not end after {self.timeout} s, and could not be interrupted.")

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Keep an output, unless the cell has printed too much: an endless loop can fill any memory."""
        if msg["msg_type"] in OUTPUTS:
            before, self.printed = self.printed, self.printed + len(str(msg["content"]))
            if self.printed > MAX_OUTPUT:
                if before <= MAX_OUTPUT:
                    cell.outputs.append(new_output("stream", text=TOO_MUCH))
                return None
        return super().process_message(msg, cell, cell_index)

    async def ask(self, expression: str) -> str:
        """What `expression` gives in the kernel, as Python writes it; empty when the kernel cannot say."""
        if self.ended or not await ensure_async(self.km.is_alive()):
            return ""
        client: Any = self.kc
        asked = client.execute("", silent=True, store_history=False, user_expressions={"it": expression})
        try:
            async with asyncio.timeout(ASK_S):
                while True:
                    reply = await ensure_async(client.shell_channel.get_msg(timeout=ASK_S))
                    if reply["parent_header"].get("msg_id") == asked:
                        break
        except (TimeoutError, Empty):
            return ""
        answer = reply["content"].get("user_expressions", {}).get("it", {})
        return str(answer.get("data", {}).get("text/plain", ""))

    def _note(self, cell: NotebookNode, reason: str) -> None:
        self.ended = reason
        self.ended_at = str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
        cell.outputs = [*cell.get("outputs", []), _error("KernelEnded", reason)]


def _error(name: str, text: str) -> NotebookNode:
    return new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])
