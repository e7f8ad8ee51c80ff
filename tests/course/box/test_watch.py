"""When a folder that is written to holds too much."""

from teachkit.course.box import watch
from teachkit.course.box.watch import too_full


def test_a_folder_is_full_by_what_lies_on_the_disk(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "big").write_bytes(b"x" * 2**21)
    with open(tmp_path / "hollow", "wb") as file:
        file.truncate(2**30)  # takes no place
    (tmp_path / "link").symlink_to("/usr/bin/env")
    assert too_full(tmp_path, mib=3) == ""
    assert too_full(tmp_path, mib=1) == "More than 1 MiB were written, so the kernel was ended."


def test_a_folder_is_full_by_its_number_of_files(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "MAX_FILES", 3)
    for number in range(3):
        (tmp_path / f"{number}").touch()
    assert too_full(tmp_path, mib=1) == ""
    (tmp_path / "one more").touch()
    assert "More than 3 files" in too_full(tmp_path, mib=1)
