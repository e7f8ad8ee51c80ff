"""The seam in Jupyter: a kernel that starts behind walls.

Jupyter finds `BoxProvisioner` by an entry point, because the kernel ``teachkit-box`` asks for it. So every
program that starts kernels can use the box, and none has to know about it.
"""

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Bool, Float, Int

from teachkit.course.box.walls import UNBOXED, Limits, Room, allowed_without, missing, walls
from teachkit.course.box.watch import Watch
from teachkit.errors import BoxMissingError


class BoxProvisioner(LocalProvisioner):
    """Starts a kernel in a box, and talks to it through sockets in a folder of its own.

    The options come from ``metadata.kernel_provisioner.config`` of the kernel's ``kernel.json``.
    """

    writable = Bool(True, help="Whether the kernel may write to the folder it runs in.").tag(config=True)
    memory_gib = Float(Limits.memory_gib, help="Memory of all its processes together.").tag(config=True)
    processes = Int(Limits.processes, help="Processes, all together.").tag(config=True)
    file_mib = Int(Limits.file_mib, help="Size of one file.").tag(config=True)
    cpu_minutes = Int(Limits.cpu_minutes, help="Processor time of one process.").tag(config=True)

    room: Path | None = None
    watch: Watch | None = None
    watched: tuple[Path | None, int] = (None, 0)
    boxed = True

    @property
    def limits(self) -> Limits:
        return Limits(self.memory_gib, self.processes, self.file_mib, self.cpu_minutes)

    @property
    def stopped(self) -> str:
        """Why the watch ended this kernel, in one sentence; empty when it did not."""
        return self.watch.stopped if self.watch else ""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Put the walls in front of the kernel's command.

        Args:
            kwargs: as Jupyter gives them, and ``room`` when who starts the kernel allows more folders.

        Raises:
            BoxMissingError: this machine can build no box, and nobody said that the code may run without.
        """
        allowed = kwargs.pop("room", None) or Room(writable=self.writable)
        if problem := missing():
            if not allowed_without():
                raise BoxMissingError(
                    f"This code may only run in a box. {problem}",
                    f"Install it, or set {UNBOXED}=1 to run code that you trust without a box.",
                    problem=problem,
                )
            self.log.warning("Running without a box, because %s=1. %s", UNBOXED, problem)
            self.boxed = False
            return await super().pre_launch(**kwargs)
        manager: Any = self.parent
        if self.room is None:  # a restart keeps its sockets; the path is short, for a socket's has 107 bytes
            self.room = Path(tempfile.mkdtemp(prefix="box-", dir="/tmp"))
        manager.cache_ports = False
        manager.transport = "ipc"
        manager.ip = str(self.room / "k")
        manager.connection_file = str(self.room / "kernel.json")
        kwargs = await super().pre_launch(**kwargs)
        folder = Path(kwargs.get("cwd") or os.getcwd())
        environment = {**os.environ, **kwargs.get("env", {})}
        with_sockets = replace(allowed, write=(*allowed.write, self.room))
        front = walls(folder, room=with_sockets, limits=self.limits, environment=environment)
        kwargs["cmd"] = front + kwargs["cmd"]
        self.watched = folder, allowed.full_mib
        kwargs["env"] = {"PATH": "/usr/bin:/bin"}  # bubblewrap's own, which the code inside can read
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        info = await super().launch_kernel(cmd, **kwargs)
        if self.boxed and self.pid is not None:
            self.watch = Watch(self.pid, self.limits, *self.watched)
            self.watch.start()
        return info

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart=restart)
        if self.watch is not None:
            self.watch.finish()
        if not restart and self.room is not None:
            shutil.rmtree(self.room, ignore_errors=True)
            self.room = None
