"""nbgrader's step that runs a notebook, in two boxes: answers in one, tests in the other.

The answers never see a hidden test, and cannot change the process that decides on points. Before each
test the values of the answers cross as plain data (see `exports`).
"""

import asyncio
import copy
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbclient.util import run_sync
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_grade, is_locked, is_solution

from teachkit.course.box import KERNEL, scopes
from teachkit.course.box.flags import Flag, replace_flags
from teachkit.course.box.folders import Folders, shadows
from teachkit.course.box.integrity import MARK_LINE, course_of
from teachkit.course.box.players import Player

BESIDE = "### TESTS CALL ANSWERS"
EXPORTS = "__import__('teachkit.course.box.exports', fromlist=['pack'])"
UNSAID = "'{}'"  # what a kernel that is no more hands over
KINDS = ("beside", "ended", "files", "printed")


class BoxedExecute(Execute):
    """Runs a submission cell by cell, so that no cell can earn points but by its answers.

    A function cannot cross. A notebook whose tests call functions of the student says so in a locked cell, by
    the line ``### TESTS CALL ANSWERS``. Its tests run beside the answers, in the same box.

    Attributes:
        beside: whether the last notebook's tests ran beside its answers.
        seen: (kind, cell, text) of what was noticed while the last notebook ran.
    """

    beside = False
    seen: tuple[tuple[str, str, str], ...] = ()

    def preprocess(self, nb: NotebookNode, resources: Any, km: Any = None) -> tuple[NotebookNode, Any]:
        """Run `nb`; the outputs of its test cells come from the box of the tests.

        Raises:
            BoxMissingError: no box can be built here, and nobody said that the code may run without.
        """
        with tempfile.TemporaryDirectory(prefix="grading-", dir="/tmp") as scratch:
            folders = Folders.lay_out(Path(resources["metadata"]["path"]), Path(scratch))
            players: tuple[Player, ...] = run_sync(self._play)(nb, folders)
            self.seen = tuple(self._look(nb, folders, players))
        if about := resources.get("nbgrader"):
            root = Path(course_of(self).root)
            flags = [Flag(kind, about["notebook"], cell, text) for kind, cell, text in self.seen]
            replace_flags(root, about["assignment"], about["student"], about["notebook"], KINDS, flags)
        return nb, resources

    async def _play(self, nb: NotebookNode, folders: Folders) -> tuple[Player, ...]:
        sources = [cell.source for cell in nb.cells if cell.cell_type == "code" and is_locked(cell)]
        self.beside = any(BESIDE in source for source in sources)
        answers, judge = (Player(kernel_name=KERNEL, config=self.config) for _ in range(2))
        answers.nb, judge.nb = nb, copy.deepcopy(nb)
        players = (answers,) if self.beside else (answers, judge)
        try:
            await answers.open(folders.answers, writable=True)
            if not self.beside:
                await judge.open(folders.tests, writable=False)
            await asyncio.gather(*(player.ready() for player in players))
            mine = sorted(scopes.made(sources))
            for index, cell in enumerate(nb.cells):
                if cell.cell_type == "code":
                    await self._step(index, cell, answers, judge, folders, mine)
        finally:
            ends = await asyncio.gather(*(player.close() for player in players), return_exceptions=True)
            for problem in filter(None, ends):  # only now, so that no kernel stays behind
                raise problem
        return players

    async def _step(
        self,
        index: int,
        cell: NotebookNode,
        answers: Player,
        judge: Player,
        folders: Folders,
        mine: list[str],
    ) -> None:
        test = is_grade(cell) and not is_solution(cell)
        if self.beside or not test:
            await answers.play(index)
        if self.beside or not is_locked(cell):
            return
        folders.carry_over()
        said = await answers.ask(f"{EXPORTS}.pack(globals(), {mine!r})")
        await judge.ask(f"{EXPORTS}.place(globals(), {said or UNSAID!r})")
        await judge.play(index)
        if test:
            judged = judge.nb.cells[index]
            cell.outputs, cell.execution_count = judged.outputs, judged.execution_count

    def _look(
        self, nb: NotebookNode, folders: Folders, players: tuple[Player, ...]
    ) -> Iterable[tuple[str, str, str]]:
        """What is worth a person's look in a notebook that has run."""
        if self.beside:
            yield "beside", "", "Its tests call functions of the student, so both ran in one process."
        if reason := players[0].ended:
            yield "ended", players[0].ended_at, f"The kernel of the answers ended. {reason}"
        if changed := folders.changed():
            yield "files", "", f"The answers changed files that were there: {', '.join(changed)}."
        if modules := shadows(folders.tests):
            text = f"It brings modules with the names of others, which were not used: {', '.join(modules)}."
            yield "files", "", text
        for cell in nb.cells:
            if cell.cell_type != "code" or (is_grade(cell) and not is_solution(cell)):
                continue
            if any(MARK_LINE.search(output.text) for output in cell.outputs if "text" in output):
                yield "printed", name_of(cell), "The output of this answer looks like points."


def name_of(cell: NotebookNode) -> str:
    """The id of a cell that belongs to the assignment; empty for a student's own."""
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
