"""What changes the code hash of a rule, and what does not."""

import json
from textwrap import dedent

import pytest
from megascience.planning import code_hash as staleness
from megascience.planning import definitions
from megascience.planning.code_hash import Known, Library

#: A library with one of each way in which code leads to other code.
FILES = {
    "run.py": "from megascience.a import f\nf(snakemake.input)\n",
    "megascience/__init__.py": "",
    "megascience/a.py": """
        import os
        from megascience.b import g
        from megascience.storage.logs import log_it

        LIMIT = 3
        UNUSED = 4

        def f(x):
            "Documented."
            from megascience.c import Thing
            log_it("started")
            return Thing(g(x), os.sep) if x < LIMIT else None

        def other():
            return UNUSED
        """,
    "megascience/b.py": "def g(x):\n    return h(x)\n\ndef h(x):\n    return x + 1\n\ndef unused(x):\n    return x\n",
    "megascience/c.py": "class Thing:\n    def one(self):\n        return 1\n\nclass Other:\n    pass\n",
    "megascience/storage/logs.py": "def log_it(text):\n    print(text)\n",
    "megascience/stages/stage.py": """
        from importlib import import_module

        def get_stage(name):
            return import_module(f"{__package__}.{name}")
        """,
    "megascience/stages/one.py": "def fields(r):\n    return r\n\ndef parse(a, r):\n    return a\n\nREASONS = 1\n",
    "megascience/stages/two.py": "def fields(r):\n    return r\n\ndef parse(a, r):\n    return r\n",
    "ask.py": "from megascience.stages.stage import get_stage\nget_stage(snakemake.params.stage).fields({})\n",
}


@pytest.fixture
def write(tmp_path):
    """Write files of the library, and return a library that reads all of them."""

    def write_files(files, known=None):
        for name, text in files.items():
            path = tmp_path / "scripts" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
        return Library(tmp_path / "scripts", known)

    write_files(FILES)
    return write_files


def edited(name, old, new):
    text = dedent(FILES[name])
    assert old in text
    return {name: text.replace(old, new)}


def body(text, **more):
    """A script that calls `f` of a module with this text."""
    return {"megascience/a.py": text, **{f"megascience/{name}.py": text for name, text in more.items()}}


def differs(write, before, after, script="run", **stage):
    return write(before).code_hash(script, **stage) != write(after).code_hash(script, **stage)


# --- what a script leads to


def test_a_script_leads_to_what_it_uses_and_what_that_uses(write):
    reached = write({}).reached("run")
    names = {(d.module.removeprefix("megascience."), d.name) for d in reached if d.name}
    named = {("a", "f"), ("a", "LIMIT"), ("b", "g"), ("b", "h"), ("c", "Thing")}
    assert names == {*named, ("run", "__main__")}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("run.py", "snakemake.input", "snakemake.output"),
        ("megascience/a.py", "x < LIMIT", "x > LIMIT"),
        ("megascience/a.py", "LIMIT = 3", "LIMIT = 5"),
        ("megascience/a.py", "os.sep", "os.linesep"),
        ("megascience/a.py", "import os", "import posix as os"),
        ("megascience/b.py", "x + 1", "x + 2"),
        ("megascience/c.py", "return 1", "return 2"),
        ("megascience/b.py", "def g(x):", "def g(x, y=2):"),
        ("megascience/b.py", "def h", "import functools\n@functools.cache\ndef h"),
        ("megascience/b.py", "def h", "import sys\nsys.setrecursionlimit(9)\ndef h"),
    ],
)
def test_an_edit_of_what_runs_changes_the_hash(write, name, old, new):
    assert differs(write, {}, edited(name, old, new))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("megascience/a.py", "UNUSED = 4", "UNUSED = 5"),
        ("megascience/a.py", "return UNUSED", "return 1"),
        ("megascience/a.py", '"Documented."', '"Documented otherwise."'),
        ("megascience/a.py", "LIMIT = 3", "LIMIT: int  =  3  # a remark"),
        ("megascience/a.py", "import os\n", "import os\nimport json\nfrom megascience.b import unused\n"),
        ("megascience/a.py", "def f(x):", "def f(x: 'int') -> object:"),
        ("megascience/b.py", "return x\n", "return None\n"),
        ("megascience/c.py", "pass", "x = 1"),
        ("megascience/storage/logs.py", "print(text)", "print(text, text)"),
        ("megascience/stages/one.py", "return a", "return r"),
    ],
)
def test_an_edit_of_what_does_not_run_leaves_it(write, name, old, new):
    assert not differs(write, {}, edited(name, old, new))


# --- where a definition is, and under which name it is imported


def test_a_definition_may_move_to_another_file(write):
    before = body("from megascience.b import g\ndef f(x):\n    return g(x)\n")
    after = {
        **body("from megascience.deep.er import g\ndef f(x):\n    return g(x)\n"),
        "megascience/deep/er.py": FILES["megascience/b.py"],
        "megascience/b.py": "",
    }
    assert not differs(write, before, after)


def test_a_script_may_import_from_where_a_name_is_handed_on(write):
    face = {"megascience/face.py": "from megascience.a import f as shown\n__all__ = ['shown']\n"}
    assert not differs(write, {}, {**face, "run.py": "from megascience.face import shown\nshown(snakemake.input)\n"})


@pytest.mark.parametrize(
    "text",
    [
        "from megascience.b import g as gee\ndef f(x):\n    return gee(x)\n",
        "from megascience import b\ndef f(x):\n    return b.g(x)\n",
        "import megascience.b\ndef f(x):\n    return megascience.b.g(x)\n",
        "import megascience.b as bee\ndef f(x):\n    return bee.g(x)\n",
        "from . import b\ndef f(x):\n    return b.g(x)\n",
        "from .b import g\ndef f(x):\n    return g(x)\n",
        "def f(x):\n    from megascience.b import g\n    return g(x)\n",
    ],
)
def test_all_ways_to_import_are_one(write, text):
    plain = body("from megascience.b import g\ndef f(x):\n    return g(x)\n")
    assert not differs(write, plain, body(text))
    assert differs(write, {}, edited("megascience/b.py", "x + 1", "x + 2"))


def test_names_of_other_libraries_count_by_what_they_are(write):
    before = body("import numpy as np\ndef f(x):\n    return np.sin(x)\n")
    assert not differs(write, before, body("from numpy import sin as s\ndef f(x):\n    return s(x)\n"))
    assert differs(write, before, body("from numpy import cos as sin\ndef f(x):\n    return sin(x)\n"))


def test_another_function_of_the_same_name_is_another(write):
    one, two = "def g(x):\n    return 1\n", "def g(x):\n    return 2\n"
    text = "from megascience.{} import g\nfrom megascience import b, c\nKEPT = b.g, c.g\ndef f(x):\n"
    text += "    return g(x), KEPT\n"
    assert differs(write, body(text.format("b"), b=one, c=two), body(text.format("c"), b=one, c=two))


# --- scopes


@pytest.mark.parametrize(
    "text",
    [
        "def f(g):\n    return g\n",
        "def f(x):\n    g = 1\n    return g\n",
        "def f(x):\n    return [g for g in x]\n",
        "def f(x):\n    return (lambda g: g)(x)\n",
        "def f(x):\n    for g, h in x:\n        print(g)\n",
        "def f(x):\n    with open(x) as g:\n        return g\n",
        "def f(x):\n    try:\n        pass\n    except ValueError as g:\n        return str(g)\n",
        "def f(x):\n    def g():\n        return 1\n    return g()\n",
        "def f(x):\n    import json as g\n    return g\n",
        "def f(x):\n    if (g := x):\n        return g\n",
        "def f(x):\n    match x:\n        case [g, *_]:\n            return g\n",
        "def f(x):\n    def inner():\n        nonlocal g\n        g = 2\n    g = 1\n    inner()\n    return g\n",
    ],
)
def test_a_local_name_hides_the_one_of_the_file(write, text):
    once, twice = text + "\ndef g():\n    return 1\n", text + "\ndef g():\n    return 2\n"
    assert not differs(write, body(once), body(twice))


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    def inner(y):\n        return g(y)\n    return inner\n",
        "def f(x, y=g):\n    return y\n",
        "def f(x, *, y=g()):\n    return y\n",
        "import functools\n@functools.wraps(g)\ndef f(x):\n    return x\n",
        "def f(x):\n    return [y for y in g()]\n",
        "def f(x):\n    return [g for g in g()]\n",
        "def f(x):\n    global g\n    g = x\n",
        "def f(x):\n    return lambda: g\n",
        "class f:\n    def g(self):\n        return g()\n",
        "class f:\n    x: g = 1\n",
        "class f:\n    g = g()\n",
        "class f(g):\n    pass\n",
        "class f:\n    @property\n    def x(self):\n        return [g(y) for y in self]\n",
        "def f(x):\n    match x:\n        case g():\n            return 1\n",
        "f = g\n",
        "f, other = 1, g\n",
        "f: dict = {}\nf |= g()\n",
        "f = {}\nfor x in g():\n    f[x] = 1\n",
        "f = {}\nf.update(g())\n",
        "try:\n    import nothing\nexcept ImportError:\n    nothing = g()\ndef f(x):\n    return nothing\n",
        "if True:\n    f = g\n",
        "async def f(x):\n    async for y in g():\n        await y\n",
        "def f(x):\n    return f'{g()}'\n",
    ],
)
def test_the_name_of_the_file_is_followed(write, text):
    once, twice = text + "\ndef g():\n    return 1\n", text + "\ndef g():\n    return 2\n"
    assert differs(write, body(once), body(twice))


def test_a_conditional_import_is_followed(write):
    text = "try:\n    from megascience.fast import g\nexcept ImportError:\n    from megascience.b import g\n"
    text += "def f(x):\n    return g(x)\n"
    assert differs(write, body(text), {**body(text), **edited("megascience/b.py", "x + 1", "x + 2")})
    with_fast = body(text, fast="def g(x):\n    return 7\n")
    assert differs(write, body(text), with_fast)
    assert differs(write, with_fast, body(text, fast="def g(x):\n    return 8\n"))


def test_an_import_for_types_is_not(write):
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from megascience.b import g\n"
    text += "def f(x: 'g'):\n    return x\n"
    assert not differs(write, body(text), {**body(text), **edited("megascience/b.py", "x + 1", "x + 2")})


def test_modules_that_import_each_other_end(write):
    text = body(
        "from megascience.b import g\ndef f(x):\n    return g(x)\n",
        b="from megascience.a import f\ndef g(x):\n    return f(x)\n",
    )
    assert differs(
        write, text, {**text, "megascience/b.py": "from megascience.a import f\ndef g(x):\n    return f(1)\n"}
    )
    text = body("from megascience.b import f\n", b="from megascience.a import f\n")
    assert write(text).code_hash("run")


def test_a_star_is_refused(write):
    library = write(body("from megascience.b import *\ndef f(x):\n    return g(x)\n"))
    with pytest.raises(ValueError, match=r"from megascience.b import \*"):
        library.code_hash("run")


# --- what people read


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("raise ValueError('no')", "raise ValueError('never')"),
        ("raise ValueError('no')", "raise ValueError(f'{x} is not')"),
        ("logger.info('one %s', x)", "logger.warning('two')"),
        ("logger.info('one %s', x)", "pass"),
    ],
)
def test_the_texts_of_errors_and_logs_do_not_count(write, old, new):
    text = "import logging\nlogger = logging.getLogger()\ndef f(x):\n"
    text += "    logger.info('one %s', x)\n    pass\n    raise ValueError('no')\n"
    changed = text.replace(old, new).replace("    pass\n    pass\n", "    pass\n")
    assert not differs(write, body(text), body(changed))


def test_another_error_counts(write):
    text = "def f(x):\n    raise ValueError('no')\n"
    assert differs(write, body(text), body(text.replace("Value", "Type")))


def test_each_exception_from_the_hash_has_its_reason_and_is_there():
    library = Library()
    for module, reason in staleness.TRANSPARENT.items():
        assert library.source(module) is not None and len(reason) > 10


# --- what is started or loaded by name


def test_a_module_that_is_started_is_followed(write):
    before = body(
        "import subprocess\ndef f(x):\n    subprocess.run(['python', '-m', 'megascience.tool'])\n",
        **{"tool/__main__": "from megascience.b import g\nANSWER = g(1)\n", "tool/__init__": ""},
    )
    assert differs(write, before, {**before, "megascience/tool/__main__.py": "ANSWER = 2\n"})
    assert differs(write, before, {**before, **edited("megascience/b.py", "x + 1", "x + 2")})


def test_a_file_beside_is_followed_with_what_it_does_as_a_program(write):
    before = body(
        "from pathlib import Path\n_WORKER = Path(__file__).with_name('worker.py')\ndef f(x):\n    return _WORKER\n",
        worker="def main():\n    return 1\n\ndef unused():\n    return 1\n\nif __name__ == '__main__':\n    main()\n",
    )
    worker = before["megascience/worker.py"]
    assert differs(write, before, {**before, "megascience/worker.py": worker.replace("return 1", "return 2", 1)})
    assert differs(write, before, {**before, "megascience/worker.py": worker.replace("    main()", "    main() or 1")})
    unused = worker.replace("unused():\n    return 1", "unused():\n    return 2")
    assert not differs(write, before, {**before, "megascience/worker.py": unused})


def test_a_file_that_starts_itself_is_followed(write):
    before = body(
        "import sys\ndef f(x):\n    return [sys.executable, __file__]\n\ndef watch():\n    return 1\n\n"
        "if __name__ == '__main__':\n    watch()\n"
    )
    after = {"megascience/a.py": before["megascience/a.py"].replace("return 1", "return 2")}
    assert differs(write, before, after)


def test_what_a_file_does_as_a_program_does_not_count_where_it_is_imported(write):
    before = body("def f(x):\n    return x\n\nif __name__ == '__main__':\n    f(1)\n")
    assert not differs(write, before, body("def f(x):\n    return x\n\nif __name__ == '__main__':\n    f(2)\n"))


def test_a_module_that_is_handed_on_counts_whole(write):
    text = "from megascience import b\ndef f(x):\n    return getattr(b, x)()\n"
    after = edited("megascience/b.py", "return x\n", "return None\n")
    assert differs(write, body(text), {**body(text), **after})


def test_of_a_stage_counts_what_is_asked_of_it(write):
    def changed(name, old, new, stage):
        return differs(write, {name: FILES[name]}, edited(name, old, new), "ask", stage=stage)

    assert changed("megascience/stages/one.py", "return r", "return dict(r)", "one")
    assert not changed("megascience/stages/one.py", "return a", "return r", "one")
    assert not changed("megascience/stages/one.py", "REASONS = 1", "REASONS = 2", "one")
    assert not changed("megascience/stages/one.py", "return r", "return dict(r)", "two")


def test_of_a_stage_counts_what_is_asked_by_getattr_and_through_others(write):
    asks = {
        "ask.py": FILES["ask.py"] + "stage = get_stage('x')\nhasattr(stage, 'REASONS') and stage.fields(1).parse()\n"
    }
    for old, new in (("return a", "return r"), ("REASONS = 1", "REASONS = 2")):
        assert differs(
            write,
            {**asks, **edited("megascience/stages/one.py", "a", "a")},
            edited("megascience/stages/one.py", old, new),
            "ask",
            stage="one",
        )


@pytest.mark.parametrize(
    ("script", "stage", "message"),
    [
        ("nope", None, "no script 'nope'"),
        ("ask", None, "say which"),
        ("ask", "nope", "no stage 'nope'"),
        ("run", "one", "loads no stage"),
    ],
)
def test_what_is_wrong_is_said(write, script, stage, message):
    with pytest.raises(ValueError, match=message):
        write({}).code_hash(script, stage=stage)


# --- the library itself


@pytest.fixture(scope="module")
def library():
    return Library()


def test_a_stage_leaves_other_stages_out(library):
    modules = {found.module for found in library.reached("parse", stage="refine")}
    assert "megascience.stages.refine" in modules and "megascience.stages.filter" not in modules


def test_what_asks_a_model_does_not_depend_on_what_becomes_of_its_answer(library):
    taken = {
        found.name for found in library.reached("generate", stage="filter") if found.module.endswith("stages.filter")
    }
    assert taken == {"fields", ""}


@pytest.mark.parametrize(
    ("script", "module", "name"),
    [
        ("digitize", "ingest.pdf.text_layer.read", "read_book"),  # started as a module
        ("dedup_sketch", "curation.minhash", "permutations"),  # imported inside a function, used in another
        ("import_source", "ingest.public.language", ""),  # a loop fills a table
    ],
)
def test_programs_and_late_imports_are_reached(library, script, module, name):
    assert staleness.Definition(f"megascience.{module}", name) in library.reached(script)


def test_no_rule_depends_on_what_cannot_change_data(library):
    for script in ("generate", "parse"):
        modules = [found.module for found in library.reached(script, stage="refine")]
        assert not [name for name in modules if name.startswith(tuple(staleness.TRANSPARENT))]


# --- what is known from an earlier run


@pytest.fixture
def known(tmp_path):
    """A way to open the same file of what is known, as the next run does."""
    return lambda: Known(tmp_path / "kept/known.json")


def remembered(write, known, files, script="run"):
    now = known()
    made = write(files, now).code_hash(script)
    now.save()
    return made


def test_what_is_known_is_not_read_again(write, known, monkeypatch):
    made = remembered(write, known, {})
    monkeypatch.setattr(definitions.ast, "parse", None)
    assert remembered(write, known, {}) == made


def test_after_an_edit_only_the_edited_file_is_read(write, known, monkeypatch):
    remembered(write, known, {})
    remembered(write, known, {})
    read, real = [], definitions.read_source
    monkeypatch.setattr(
        staleness, "read_source", lambda text, module, package: read.append(module) or real(text, module, package)
    )
    remembered(write, known, edited("megascience/b.py", "x + 1", "x + 2"))
    assert read == ["megascience.b"]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("megascience/c.py", "return 1", "return 2"),
        ("megascience/b.py", "return h(x)", "return unused(x)"),
        ("run.py", "f(snakemake", "print(snakemake"),
    ],
)
def test_an_edit_is_seen_beside_what_is_known(write, known, name, old, new):
    before = remembered(write, known, {})
    assert remembered(write, known, edited(name, old, new)) == write({}).code_hash("run") != before


def test_a_module_that_comes_later_is_followed(write, known):
    text = body("from megascience.later import g\ndef f(x):\n    return g(x)\n")
    before = remembered(write, known, text)
    assert remembered(write, known, {"megascience/later.py": "g = 1\n"}) == write({}).code_hash("run") != before


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"a": 1}', "\xff"])
def test_a_spoilt_file_is_made_again(write, known, tmp_path, text):
    made = remembered(write, known, {})
    kept = tmp_path / "kept/known.json"
    whole = kept.read_text()
    kept.write_bytes(text.encode("latin-1"))
    assert remembered(write, known, {}) == made and kept.read_text() == whole


def test_what_is_no_longer_there_is_forgotten(write, known, tmp_path):
    remembered(write, known, {})
    kept = tmp_path / "kept/known.json"
    before = set(json.loads(kept.read_text()))
    remembered(write, known, edited("megascience/c.py", "return 1", "return 2"))
    after = set(json.loads(kept.read_text()))
    assert len(after) == len(before) and len(after - before) == 2  # the file, and the script's hash


def test_a_folder_that_cannot_be_written_to_does_no_harm(write, tmp_path):
    (tmp_path / "file").write_text("")
    assert remembered(write, lambda: Known(tmp_path / "file/known.json"), {}) == write({}).code_hash("run")
