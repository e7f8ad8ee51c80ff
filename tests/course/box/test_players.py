"""What a player keeps of the messages of its kernel."""

from nbformat.v4 import new_code_cell, new_notebook

from teachkit.course.box import players
from teachkit.course.box.players import TOO_MUCH, Player


def message(kind, **content):
    return {"msg_type": kind, "header": {"msg_type": kind}, "parent_header": {}, "content": content}


def playing(source):
    """A player without a kernel, as it is when a cell has begun, and the cell."""
    player, cell = Player(), new_code_cell(source)
    player.nb = new_notebook(cells=[cell])
    player.reset_execution_trackers()
    player.clear_before_next_output = False
    return player, cell


def test_a_cell_that_prints_without_end_fills_no_memory_and_its_error_is_kept(monkeypatch):
    monkeypatch.setattr(players, "MAX_OUTPUT", 1000)
    player, cell = playing("while True: print('x' * 100)")
    for _ in range(50):
        player.process_message(message("stream", name="stdout", text="x" * 100), cell, 0)
    error = message("error", ename="KeyboardInterrupt", evalue="", traceback=[])
    player.process_message(error, cell, 0)
    kept = "".join(output.get("text", "") for output in cell.outputs)
    assert kept.count(TOO_MUCH) == 1
    assert 100 <= len(kept) < 1000 + len(TOO_MUCH)
    assert cell.outputs[-1].ename == "KeyboardInterrupt"


def test_a_cell_that_prints_little_keeps_all_of_it():
    player, cell = playing("print('a')")
    player.process_message(message("stream", name="stdout", text="a\n"), cell, 0)
    assert [output.text for output in cell.outputs] == ["a\n"]
