"""A configured name is a file of the project, else the file of that name that the workflow ships."""

from pathlib import Path

import pytest
from megascience.storage import shipped
from megascience.storage.shipped import WORKFLOW, content, find_file, find_files, find_program, shipped_name

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_workflow_is_this_checkout() -> None:
    assert WORKFLOW == ROOT.resolve()


def test_the_projects_own_file_wins(project: Path) -> None:
    assert find_file("prompts/refine.j2") == WORKFLOW / "prompts/refine.j2"
    assert find_file("prompts/none.j2") == Path("prompts/none.j2")
    (project / "prompts").mkdir()
    (project / "prompts/refine.j2").write_text("mine")
    assert find_file("prompts/refine.j2") == Path("prompts/refine.j2")
    assert find_file("prompts/filter.j2") == WORKFLOW / "prompts/filter.j2"
    assert find_file(project / "prompts/none.j2") == project / "prompts/none.j2"


def test_patterns(project: Path) -> None:
    shipped_books = find_files("examples/books/*.typ")
    assert len(shipped_books) > 3 and all(path.startswith(str(WORKFLOW)) for path in shipped_books)
    (project / "examples/books").mkdir(parents=True)
    (project / "examples/books/own.typ").write_text("")
    assert find_files("examples/books/*.typ") == ["examples/books/own.typ"]
    assert find_files("nothing/*") == []


def test_programs(project: Path) -> None:
    assert find_program(["requirements/set-up.sh", "main"]) == [str(WORKFLOW / "requirements/set-up.sh"), "main"]
    assert find_program(["README.md", "train"]) == ["README.md", "train"], "a bare name is looked up on the PATH"
    assert find_program([]) == []


def test_names_do_not_depend_on_the_folder() -> None:
    assert shipped_name(WORKFLOW / "prompts/refine.j2") == shipped_name("prompts/refine.j2") == "prompts/refine.j2"
    assert shipped_name("/elsewhere/refine.j2") == "/elsewhere/refine.j2"


def test_content(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("a", "one"), ("b", "one"), ("c", "two")):
        (project / name).write_text(text)
    assert content("a") == content("b") != content("c")
    assert content("none") is None and content(project) is None
    monkeypatch.setattr(shipped, "_SMALL", 2)
    (project / "large").write_text("two")
    assert content("large") is None
