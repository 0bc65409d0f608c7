import json

import pytest
from megascience.planning import code_hash as staleness
from megascience.planning.code_hash import Known


def forget():
    for function in (staleness.module_file, staleness._source, staleness._mark, staleness._read):
        function.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.setattr(staleness, "PACKAGE", tmp_path)
    forget()

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        forget()

    write("a.py", "from . import b\nfrom .stages import one\n")
    write("b.py", "def f():\n    import json\n    from megascience.c import g\n    return g\n")
    write("c.py", "g = 1\n")
    write("d.py", "h = 1\n")
    write("inference/journal.py", "import nothing\n")
    write("stages/__init__.py", "")
    write("stages/one.py", "from ..c import g\nfrom ..inference.journal import x\n")
    yield write
    forget()


def test_imports_are_followed_through_functions_and_relative_names(package):
    assert staleness.imported("a") == ["a", "b", "c", "stages", "stages.one"]


def test_code_that_a_rule_runs_changes_its_hash(package):
    before = staleness.code_hash("a")
    package("c.py", "g = 2\n")
    assert staleness.code_hash("a") != before


@pytest.mark.parametrize(
    "name, text",
    [("d.py", "h = 2\n"), ("c.py", '"""Doc."""\n# note\ng  =  1\n'), ("inference/journal.py", "import other\n")],
    ids=["a module it does not run", "only comments and layout", "a module that cannot change data"],
)
def test_other_edits_do_not(package, name, text):
    before = staleness.code_hash("a")
    package(name, text)
    assert staleness.code_hash("a") == before


def test_an_unknown_module_is_named(package):
    with pytest.raises(ValueError, match="'nope'"):
        staleness.code_hash("nope")


def test_a_stage_hash_leaves_other_stages_out():
    assert "stages.filter" not in staleness.imported("inference.parse", "stages.refine")


# --- what is known from an earlier run


@pytest.fixture
def known(tmp_path):
    """A way to open the same file of what is known, as the next run does."""
    return lambda: Known(tmp_path / "kept/known.json")


def remembered(known, *modules):
    now = known()
    made = staleness.code_hash(*modules, known=now)
    now.save()
    return made


def test_what_is_known_is_not_read_again(package, known, monkeypatch):
    made = remembered(known, "a")
    assert made == staleness.code_hash("a")
    forget()
    monkeypatch.setattr(staleness.ast, "parse", None)
    assert remembered(known, "a") == made


@pytest.mark.parametrize(
    "name, text",
    [
        ("c.py", "g = 2\n"),
        ("b.py", "from .d import h\n"),
        ("a.py", "from . import d\n"),
        ("stages/__init__.py", "x = 1\n"),
    ],
)
def test_an_edit_is_seen_beside_what_is_known(package, known, name, text):
    before = remembered(known, "a")
    package(name, text)
    assert remembered(known, "a") == staleness.code_hash("a") != before


def test_a_module_that_comes_later_is_followed(package, known):
    package("b.py", "from .later import x\n")
    before = remembered(known, "a")
    package("later.py", "x = 1\n")
    assert remembered(known, "a") == staleness.code_hash("a") != before


def test_equal_sources_of_two_modules_are_told_apart(package, known):
    package("c.py", "from .stages import one\n")
    package("stages/one.py", "from .stages import one\n")
    assert remembered(known, "c") == staleness.code_hash("c") != remembered(known, "stages.one")
    assert remembered(known, "stages.one") == staleness.code_hash("stages.one")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"a": 1}', "\xff"])
def test_a_spoilt_file_is_made_anew(package, known, tmp_path, text):
    made = remembered(known, "a")
    kept = tmp_path / "kept/known.json"
    whole = kept.read_text()
    kept.write_bytes(text.encode("latin-1"))
    assert remembered(known, "a") == made and kept.read_text() == whole


def test_what_nothing_asks_for_is_dropped(package, known, tmp_path):
    remembered(known, "a")
    package("c.py", "g = 2\n")
    remembered(known, "c")
    assert len(json.loads((tmp_path / "kept/known.json").read_text())) == 2


def test_a_folder_that_cannot_be_written_to_does_no_harm(package, tmp_path):
    (tmp_path / "file").write_text("")
    assert remembered(lambda: Known(tmp_path / "file/known.json"), "a") == staleness.code_hash("a")
