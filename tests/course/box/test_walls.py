"""What code in the box can reach, and what it cannot."""

import os
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

from teachkit.course import box
from teachkit.course.box import provisioner, walls
from teachkit.errors import BoxMissingError

pytestmark = [pytest.mark.xdist_group("box"), pytest.mark.slow]


def test_its_own_folder_can_be_read_and_written(boxed):
    assert boxed.run("print(open('own.txt').read())").strip() == "what a student handed in"
    boxed.run("open('made.txt', 'w').write('here')")
    assert (boxed.folder / "made.txt").read_text() == "here"


def test_the_gradebook_the_other_students_and_the_home_folder_are_not_there(boxed):
    course = boxed.folder.parents[2]
    assert (course / "gradebook.db").is_file()
    said = boxed.run(
        f"import os; print(os.listdir({str(course)!r}), os.listdir({str(course / 'submitted')!r}))\n"
        f"print(os.path.exists({str(course / 'gradebook.db')!r}), os.listdir(os.path.expanduser('~')))"
    )
    assert said.split("\n")[:2] == ["['submitted'] ['ada']", "False ['.ipython']"]


def test_no_variable_of_the_instructor_is_seen_not_even_through_the_first_process(boxed):
    said = boxed.run("import os; print(dict(os.environ), open('/proc/1/environ').read())")
    assert "OMP_NUM_THREADS" in said
    for word in ("secret", "GOOGLE", "key.json"):
        assert word not in said


def test_there_is_no_network(boxed):
    said = boxed.run("import socket; socket.create_connection(('169.254.169.254', 80), timeout=5)")
    assert "Network is unreachable" in said


@pytest.mark.parametrize("place", ["/usr/x", "/x", "/dev/x", "/etc/x"])
def test_nothing_else_can_be_written(boxed, place):
    assert "OSError: [Errno 30] Read-only file system" in boxed.run(f"open({place!r}, 'w')")


def test_the_package_and_the_interpreter_cannot_be_changed(boxed):
    said = boxed.run("import teachkit, sys, os; print(os.access(teachkit.__file__, os.W_OK), sys.prefix)")
    assert said.startswith("False")
    assert "Read-only" in boxed.run("open(teachkit.__file__, 'a')")


def test_no_other_process_of_the_machine_is_seen(boxed):
    said = boxed.run("import os; print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()))")
    assert len(said.split(",")) <= 3


def test_a_file_may_not_grow_beyond_the_limit(boxed):
    assert "File too large" in boxed.run("open('big.bin', 'wb').truncate(2**30)")


def test_memory_beyond_the_limit_is_refused(boxed):
    assert "MemoryError" in boxed.run("bytearray(7 * 2**30)")


def test_embedded_data_can_be_loaded(boxed):
    said = boxed.run("from teachkit import data; print(len(data.load('digits', 'test')))", timeout=120)
    assert int(said) > 0


def test_too_many_processes_end_the_box_and_the_reason_is_kept(boxed):
    """The last one on this kernel. Sleeping children break the same limit as a bomb, and harm nobody."""
    code = "import subprocess; children = [subprocess.Popen(['sleep', '60']) for _ in range(80)]"
    boxed.client.execute(code)
    boxed.manager.provisioner.watch.join(timeout=60)
    assert "More than 64 processes" in boxed.manager.provisioner.stopped
    assert not boxed.manager.is_alive()


def test_the_folder_of_the_sockets_goes_with_the_kernel(need_box, tmp_path):
    manager = KernelManager(kernel_name=box.KERNEL)
    manager.start_kernel(cwd=str(tmp_path))
    room = manager.provisioner.room
    assert room.is_dir()
    manager.shutdown_kernel(now=True)
    assert not room.exists()


def test_data_folders_are_there_read_only_and_the_rest_of_the_environment_is_not(tmp_path):
    line = walls.walls(tmp_path, environment={"TEACHKIT_DATA": f"{tmp_path}:/nowhere", "KEY": "secret"})
    at = line.index(str(tmp_path))
    assert line[at - 1] == "--ro-bind"
    assert "/nowhere" not in " ".join(line)
    assert "KEY" not in line
    assert "TEACHKIT_OFFLINE" not in line


def test_without_data_folders_only_embedded_sets_are_asked_for(tmp_path):
    line = walls.walls(tmp_path, environment={})
    assert line[line.index("TEACHKIT_OFFLINE") + 1] == "1"


def test_one_folder_inside_another_is_shown_once():
    paths = ["/opt/python/envs/course", "/opt/python", "/usr/lib/python3", "/opt/python2"]
    assert walls._outermost(paths) == ["/opt/python", "/opt/python2"]


@pytest.mark.parametrize(
    ("release", "alone"),
    [("5.10.0-30-amd64", False), ("5.14.0", True), ("6.1.0-9-cloud", True), ("?", False)],
)
def test_processes_are_limited_by_the_system_only_where_it_counts_each_box_alone(release, alone):
    assert walls._counts_by_namespace(release) is alone


def test_a_machine_without_a_box_refuses_and_says_how_to_mend_it(tmp_path, monkeypatch):
    monkeypatch.setattr(provisioner, "missing", lambda: "The program bwrap is not installed.")
    monkeypatch.delenv(walls.UNBOXED, raising=False)
    with pytest.raises(BoxMissingError, match=r"bwrap is not installed.*TEACHKIT_UNBOXED=1"):
        KernelManager(kernel_name=box.KERNEL).start_kernel(cwd=str(tmp_path))


def test_the_flag_lets_trusted_code_run_without_a_box(tmp_path, monkeypatch):
    monkeypatch.setattr(provisioner, "missing", lambda: "The program bwrap is not installed.")
    monkeypatch.setenv(walls.UNBOXED, "1")
    manager = KernelManager(kernel_name=box.KERNEL)
    manager.start_kernel(cwd=str(tmp_path))
    try:
        assert manager.is_alive()
        assert not manager.provisioner.boxed
    finally:
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    ("version", "word"), [("bubblewrap 0.4.1", "0.8 or newer"), ("no version", "0.8 or newer")]
)
def test_an_old_bubblewrap_is_named(version, word, monkeypatch, tmp_path):
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\necho '{version}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert word in walls.missing.__wrapped__()


def test_walls_that_cannot_be_built_are_noticed_by_trying(monkeypatch, tmp_path):
    program = tmp_path / "bwrap"
    program.write_text(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 'bubblewrap 0.9.0' && exit\n"
        "echo 'bwrap: No permissions to create new namespace' >&2; exit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert "No permissions to create new namespace" in walls.missing.__wrapped__()


def test_the_kernel_is_registered_with_jupyter():
    from jupyter_client.kernelspec import get_kernel_spec

    spec = get_kernel_spec(box.KERNEL)
    assert spec.interrupt_mode == "message"  # a signal would hit bubblewrap and not the kernel
    assert Path(spec.resource_dir).name == box.KERNEL
