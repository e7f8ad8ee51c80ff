"""The check finds each mistake, says where, and is silent about a sound course."""

from pathlib import Path

import nbformat
import pytest

from teachkit.course.declaration import Course
from teachkit.course.lint import problems
from teachkit.course.names import name_problems, used_names

NAMES = "# Names\n\n`course.preflight` `course.record` `course.closing`\n"


@pytest.fixture
def check(make_course):
    """`check("good", …)`: the sentences about a course with these notebooks and nothing else wrong."""

    def run(*files: str, spoil=lambda course: None) -> list[str]:
        course: Course = make_course(*((f"t{n}", file) for n, file in enumerate(files, 1)))
        (course.root / "docs" / "names.md").write_text(NAMES)
        (course.root / "environment.yml").write_text(
            "dependencies:\n- python=3.12\n- pip\n- pip:\n  - -r requirements.lock\n"
        )
        spoil(course)
        return problems(course.root)

    return run


def test_a_sound_course_has_nothing_to_mend(check) -> None:
    assert check("good") == []


@pytest.mark.parametrize(
    ("file", "complaints"),
    [
        ("not_json", ["notebooks/not_json.ipynb is not a valid notebook"]),
        ("with_outputs", ["notebooks/with_outputs.ipynb, cell 6: it holds outputs"]),
        ("without_parameters", ["notebooks/without_parameters.ipynb: it has 0 cells tagged 'parameters'"]),
        (
            "headings_out_of_order",
            ["cell 6: 'Far too deep' jumps from level 2 to 4", "cell 7: 'A second title' is a second title"],
        ),
        ("missing_section", ["notebooks/missing_section.ipynb: the section '## Prerequisites' is missing"]),
        ("long_cell", ["notebooks/long_cell.ipynb, cell 6: 21 lines of code, at most 20"]),
        (
            "untagged_cell",
            ["cell 6: it is tagged neither core nor deeper", "cell 7: it is tagged core and deeper"],
        ),
        (
            "broken_link",
            [
                "the link gone.md leads to no file",
                "names a heading that is not in notes.md",
                "http:///x is not well",
            ],
        ),
    ],
)
def test_each_mistake_is_found_once_with_its_place(check, file: str, complaints: list[str]) -> None:
    found = [text for text in check(file) if "docs/names.md" not in text]
    assert len(found) == len(complaints), found
    for text, complaint in zip(found, complaints, strict=True):
        assert complaint in text


def test_a_parameters_cell_must_set_the_lessons_own_folder(check) -> None:
    def spoil(course: Course) -> None:
        path = course.notebooks / "good.ipynb"
        path.write_text(path.read_text().replace("results/t1", "results/t9"))

    (found,) = check("good", spoil=spoil)
    assert "OUT = 'results/t1'" in found


def test_files_and_declaration_must_agree(check) -> None:
    def spoil(course: Course) -> None:
        (course.notebooks / "good.ipynb").rename(course.notebooks / "other.ipynb")

    found = check("good", spoil=spoil)
    assert any("course.toml names good.ipynb, which is not there" in text for text in found)
    assert any("other.ipynb has no [[lesson]] table" in text for text in found)


def test_data_that_nobody_knows_is_named_with_the_nearest(check) -> None:
    def spoil(course: Course) -> None:
        path = course.notebooks / "course.toml"
        path.write_text(
            path.read_text().replace("[lesson.minutes]", 'data = ["pneumoniamnst"]\n[lesson.minutes]')
        )

    (found,) = check("good", spoil=spoil)
    assert "lesson t1" in found
    assert "'pneumoniamnist'" in found


def test_a_broken_course_file_is_the_only_complaint(check) -> None:
    def spoil(course: Course) -> None:
        (course.notebooks / "course.toml").write_text("[course")

    (found,) = check("good", spoil=spoil)
    assert "cannot be read" in found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[x](missing.md)", "the link missing.md leads to no file"),
        ("![](picture.png)", "the picture picture.png has no alternative text"),
        ("see $\\frac{1}{$", "cannot be drawn"),
        ("see $\\nosuchthing x$", "\\nosuchthing"),
        ("[x](#nowhere)", "names a heading that is not in README.md"),
        ("[x](http://no host/)", "http://no is not well formed"),  # Markdown links the bare address
        ("[x](https://example)", "not well formed"),
        ("[x](https://example.org/a#b) [y](#title) `[z](gone.md)`", None),
    ],
)
def test_links_pictures_and_formulae_of_texts_are_checked(check, text: str, complaint: str | None) -> None:
    found = check("good", spoil=lambda course: (course.root / "README.md").write_text(f"# Title\n\n{text}\n"))
    if complaint is None:
        assert found == []
    else:
        assert any(complaint in sentence for sentence in found), found


def test_environment_must_install_the_lock(check) -> None:
    def spoil(course: Course) -> None:
        (course.root / "environment.yml").write_text("dependencies:\n- pip:\n  - numpy\n")

    (found,) = check("good", spoil=spoil)
    assert "environment.yml installs ['numpy']" in found


def test_names_must_be_listed_and_used(check) -> None:
    listed = NAMES.replace("`course.record`", "`data.load`")
    found = check("good", spoil=lambda course: (course.root / "docs" / "names.md").write_text(listed))
    assert found == [
        "docs/names.md does not list `course.record`, which a notebook uses.",
        "docs/names.md lists `data.load`, which no notebook uses.",
    ]


def notebook(*cells: str):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


@pytest.mark.parametrize(
    "cells",
    [
        ["from teachkit import data", "data.load('x').sample(3)"],
        ["import teachkit", "teachkit.data.load('x')"],
        ["import teachkit as tk", "%matplotlib inline\ntk.data.load('x')"],
        ["from teachkit.data import load", "load('x')"],
        ["from teachkit import data as d", "!ls", "d.load"],
    ],
)
def test_a_name_is_found_however_it_is_imported(cells: list[str]) -> None:
    assert used_names(notebook(*cells)) == {"data.load"}


def test_a_lesson_may_bring_eight_new_names_but_not_nine(make_course, tmp_path: Path) -> None:
    course = make_course(("t1", "good"))
    names = [f"data.f{chr(97 + n)}" for n in range(9)]
    (course.root / "docs" / "names.md").write_text(" ".join(f"`{name}`" for name in names))
    book = notebook("from teachkit import data", *names)
    (found,) = name_problems(course, {"t1": book})
    assert "9 new names, at most 8" in found
    (course.root / "docs" / "names.md").write_text(" ".join(f"`{name}`" for name in names[:8]))
    assert name_problems(course, {"t1": notebook("from teachkit import data", *names[:8])}) == []
