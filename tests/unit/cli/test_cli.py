"""The command line: each command prints what its module returns; bad input is one message and status 1."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pypdfium2
import pytest
import resulttree as tree
from megascience.cli.add_books import shelf_rows
from megascience.cli.main import main
from megascience.ingest.books import COLUMNS, read_shelf
from megascience.storage.drops import Drop
from megascience.storage.errors import InputError
from megascience.storage.files import file_sha256
from megascience.storage.tables import table_of

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree.build(tmp_path / "results")


def test_trace(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "p1", "--results", str(root)]) == 0
    assert capsys.readouterr().out.startswith("pair p1 (physics/000, high standard): released\n")


def test_dropped(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dropped", "filter", "--reason", "rejected", "--results", str(root)]) == 0
    assert capsys.readouterr().out == "p4\tbiology\t000\trejected\tit contradicts itself\n"


def test_contamination(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contamination", "p1", "--results", str(root)]) == 0
    assert "mini i7: no" in capsys.readouterr().out


def test_summary(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree.release(root, root / "dataset" / "mini")
    assert main(["summary", str(root)]) == 0
    assert "2 rows in" in capsys.readouterr().out


def test_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"completion": "So the answer is \\boxed{12}.", "reference": "12", "kind": "number"},
        {"completion": "So the answer is \\boxed{13}.", "reference": "12", "kind": "number"},
    ]
    file = tmp_path / "answers.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["score", str(file), "--out", str(tmp_path / "scored.jsonl")]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert (counts["n"], counts["correct"], counts["accuracy"]) == (2, 1, 0.5)
    scored = [json.loads(line) for line in (tmp_path / "scored.jsonl").read_text().splitlines()]
    assert [row["verdict"] for row in scored] == ["correct", "wrong"]


def test_forecast_and_journal_of_the_configuration(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tree.plan(tmp_path)
    monkeypatch.setattr("megascience.planning.checks.check", lambda plan: None)  # it is not a whole configuration
    monkeypatch.setattr("megascience.planning.plan.Plan", lambda config: plan)
    speed = ["--throughput", "big=100:4", "--throughput", "small=50"]
    assert main(["forecast", "--results", str(root), *speed]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split()[:3] == ["stage", "model", "requests"]
    assert next(line for line in out if line.startswith("extract")).split()[:3] == ["extract", "big", "6"]
    assert main(["forecast", "--throughput", "huge=1"]) == 1
    assert "there is no model 'huge'; known: big, small" in capsys.readouterr().err
    assert main(["journal", "gc", "--results", str(root)]) == 0
    assert capsys.readouterr().out == "0 completions dropped of 0 journals\n"
    assert main(["journal", "stats", "--results", str(root)]) == 1
    assert "there is no journal" in capsys.readouterr().err


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans of which only the configuration is there, and which nobody checks."""
    monkeypatch.setattr("megascience.planning.checks.check", lambda plan: None)
    monkeypatch.setattr(
        "megascience.planning.plan.Plan",
        lambda config: SimpleNamespace(config=config, needed=SimpleNamespace(config=config)),
    )


def test_configuration_is_read_as_the_workflow_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unchecked: None
) -> None:
    seen = []
    monkeypatch.setattr(
        "megascience.cli.forecast.forecast", lambda *given: seen.append(given) or table_of(("stage",), [])
    )
    (tmp_path / "mine.yaml").write_text("chunk: {tokens: 77}\npathvars: {results: elsewhere}\n")
    assert main(["forecast", "--configfile", str(tmp_path / "mine.yaml")]) == 0
    plan, results, _ = seen[0]
    assert results == Path("elsewhere")
    assert plan.config.chunk.tokens == 77
    assert plan.config.refine.retries == 2  # a default
    assert plan.config.models


@pytest.mark.parametrize("text", ["big", "=3", "big=fast", "big=0", "big=1:-1", "big=nan", "big=1:nan", "big=inf"])
def test_throughput_that_is_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["forecast", "--throughput", text])
    assert stop.value.code == 2
    assert "is not MODEL=TOKENS_PER_SECOND[:GPUS]" in capsys.readouterr().err


def test_bad_input_is_one_message(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "p99", "--results", str(root)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("megascience trace: p99: no row")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("command", ["contamination p1", "difficulty p1", "dropped filter", "trace p1", "journal gc"])
def test_results_that_are_not_there(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--results", str(tmp_path / "none")]) == 1
    assert f"{tmp_path}/none: no such folder; name the results folder with --results" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "what"), [("none", "No such file or directory"), ("", "Is a directory")])
def test_files_that_cannot_be_read_are_named_with_the_fix(
    name: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    assert main(["score", str(file)]) == 1
    assert capsys.readouterr().err == f"megascience score: {file}: {what}; fix the path or its permissions\n"


@pytest.mark.parametrize(
    ("faulty", "said"),
    [
        ("chunk: {tokns: 3}", "config: chunk: unknown key 'tokns'; did you mean 'tokens'? Known: model, tokens ("),
        ("paperr: null", "config: unknown key 'paperr'; did you mean 'paper'? ("),
        (
            "chunk: {tokens: many}",
            "config: chunk.tokens is 'many'; it must be a whole number (The longest",
        ),
        ("refine: {model: teecher}", "refine.model"),
    ],
)
def test_a_faulty_configuration_is_one_line_a_fault(
    faulty: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.yaml").write_text(faulty)
    assert main(["forecast", "--configfile", str(tmp_path / "mine.yaml")]) == 1
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["dance"], ["journal"], ["dropped", "filter", "--limit", "-1"]])
def test_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


def test_reader_that_leaves_early(root: Path) -> None:
    """`dropped … | head -1` ends without a stack trace, whatever was still to be printed."""
    from megascience.storage.layout import dropped_path
    from owned import write_dropped

    dropped = dropped_path(tree.path(root, "filter", "biology"))
    write_dropped(dropped, "filter", [(f"p{n}", Drop("rejected", "x" * 200)) for n in range(5000)])
    command = f"{sys.executable} -m megascience dropped filter --results {root} | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, env=ENVIRONMENT, check=True
    )
    assert done.stdout.startswith("p0\tbiology")
    assert done.stderr == ""
    assert done.returncode == 0


def test_output_survives_a_poor_encoding(root: Path) -> None:
    tree.write(root, "filter", "biology", [], [("p4", Drop("rejected", "β → 水"))])
    command = [sys.executable, "-X", "utf8=0", "-m", "megascience", "dropped", "filter", "--results", str(root)]
    done = subprocess.run(command, capture_output=True, env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}, check=True)
    assert done.stdout == b"p4\tbiology\t000\trejected\t? ? ?\n"


#: What takes long to import, and what no look at a run needs.
HEAVY = ("torch", "transformers", "sympy", "matplotlib", "faiss", "pandas", "scipy", "snakemake")


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (["--help"], ("rich", "pyarrow", "yaml", "numpy", "jinja2")),
        (["trace", "--help"], ("rich", "pyarrow", "yaml", "numpy", "jinja2")),
        (["trace", "p1"], ("rich",)),
        (["dropped", "filter"], ("rich", "jinja2", "yaml")),
        (["summary"], ("rich", "jinja2", "yaml")),
        (["contamination", "p1"], ("rich", "jinja2", "yaml")),
        (["failed"], ("rich", "pyarrow", "jinja2", "yaml")),
    ],
)
def test_a_command_imports_only_what_it_needs(arguments: list[str], more: tuple[str, ...], root: Path) -> None:
    code = (
        "import sys; from megascience.cli.main import main\n"
        f"main({arguments!r})\n"
        f"print([m for m in {(*HEAVY, *more)!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root.parent, capture_output=True, text=True, env=ENVIRONMENT, check=True
    )
    assert done.stdout.endswith("\n[]\n") or done.stdout == "[]\n"


def at_a_terminal(*arguments: str, columns: int = 200) -> str:
    """Return what a command writes to a terminal of so many columns."""
    main_end, its_end = pty.openpty()
    command = [sys.executable, "-m", "megascience", *arguments]
    known = {key: value for key, value in ENVIRONMENT.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    env = {**known, "TERM": "xterm-256color", "COLUMNS": str(columns)}
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=its_end, stderr=its_end, env=env) as process:
        os.close(its_end)
        read = b""
        while True:
            try:
                part = os.read(main_end, 65536)
            except OSError:  # the other end was closed
                break
            if not part:
                break
            read += part
    os.close(main_end)
    assert process.returncode == 0, read
    return read.decode().replace("\r\n", "\n")


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_colours_at_a_terminal_and_plain_text_in_a_pipe(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["trace", "p1", "--results", str(root)]
    assert main(arguments) == 0
    plain = capsys.readouterr().out
    shown = at_a_terminal(*arguments)
    assert "\x1b" not in plain
    assert re.search(r"\x1b\[[0-9;]+m== refine\x1b", shown)
    assert "\x1b[32m  + What is p1 in physics?" in shown
    assert without_colours(shown) == plain


def test_text_of_others_is_never_markup(root: Path) -> None:
    """What a row holds is shown as it is: no markup of rich, no emoji names, no codes of the terminal."""
    evil = "[red]not red[/red] [link=http://x]y[/link] :warning: [bold \x1b[31m\x07 [/]"
    tree.write(root, "filter", "physics", [], [("p1", Drop("rejected", evil))])
    shown = at_a_terminal("trace", "p1", "--results", str(root))
    assert "[red]not red[/red] [link=http://x]y[/link] :warning: [bold \\x1b[31m\\x07 [/]" in shown
    tree.release(root, root / "dataset" / "[red]mini")
    assert "dataset/[red]mini" in at_a_terminal("summary", str(root))


def test_tables_are_drawn_at_a_terminal_and_aligned_in_a_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = tmp_path / "results/journal/[b]filter"
    journal.mkdir(parents=True)
    (journal / "000.jsonl").write_text("")
    arguments = ["journal", "stats", "--results", str(tmp_path / "results")]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["stage", "journals"] and lines[1].split() == ["[b]filter", "1", "0", "0", "0.0"]
    shown = at_a_terminal(*arguments)
    assert "─" in shown and re.search(r"\[b\]filter +1 +0 +0 +0\.0", without_colours(shown))


def test_the_only_results_folder_is_found(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root.parent)
    expected = "p4\tbiology\t000\trejected\tit contradicts itself\n"
    assert main(["dropped", "filter"]) == 0
    assert capsys.readouterr().out == expected
    (root.parent / "demo").mkdir()
    (root.parent / "results/models/teacher").mkdir(parents=True)
    elsewhere = root.parent / "checkout/results"
    elsewhere.mkdir(parents=True)
    root.rename(elsewhere / "demo")
    (elsewhere / "models").mkdir()
    monkeypatch.chdir(elsewhere.parent)
    assert main(["dropped", "filter"]) == 0
    assert capsys.readouterr().out == expected
    (elsewhere / "other/filter").mkdir(parents=True)
    assert main(["dropped", "filter"]) == 1
    said = "several results folders are here: results/demo, results/other; name one with --results"
    assert said in capsys.readouterr().err
    monkeypatch.chdir(elsewhere / "models")
    assert main(["dropped", "filter"]) == 1
    assert "results: no such folder; name the results folder with --results" in capsys.readouterr().err


def test_several_files_follow_one_configfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unchecked: None) -> None:
    seen = []
    monkeypatch.setattr(
        "megascience.cli.forecast.forecast", lambda *given: seen.append(given) or table_of(("stage",), [])
    )
    for name, tokens in (("one", 77), ("two", 78)):
        (tmp_path / f"{name}.yaml").write_text(f"chunk: {{tokens: {tokens}}}\n")
    assert main(["forecast", "--configfile", str(tmp_path / "one.yaml"), str(tmp_path / "two.yaml")]) == 0
    assert seen[0][0].config.chunk.tokens == 78


def test_shells_complete_stages_and_reasons() -> None:
    def completed(line: str) -> list[str]:
        env = {**ENVIRONMENT, "_MEGASCIENCE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "2"}
        env["COMP_CWORD"] = str(len(line.split(" ")) - 1)
        done = subprocess.run(
            [sys.executable, "-m", "megascience"], capture_output=True, text=True, env=env, check=True
        )
        return done.stdout.split()

    assert completed("megascience dropped de") == ["dedup", "decontaminate"]
    assert "near_duplicate" in completed("megascience dropped dedup --reason near")
    assert completed("megascience con") == ["contamination"]


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    document = pypdfium2.PdfDocument.new()
    document.new_page(200, 300)
    file = tmp_path / "My Book (2nd ed.).pdf"
    document.save(file)
    return file


def test_shelf_rows_can_be_pasted(pdf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "b" / "my-book 2nd ed.pdf"
    other.parent.mkdir()
    other.write_bytes(pdf.read_bytes())
    arguments = ["shelf", "add", str(pdf), str(other), "--disciplines", "physics;biology", "--licence", "CC0-1.0"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    table = tmp_path / "books.tsv"
    table.write_text("\t".join(COLUMNS) + "\n" + out)
    first, second = read_shelf(table, ["physics", "biology"])
    assert (first.book_id, second.book_id) == ("my_book_2nd_ed", "my_book_2nd_ed_2")
    assert first.disciplines == ("physics", "biology")
    assert (first.title, first.path) == ("My Book (2nd ed.)", str(pdf))
    assert first.sha256 == file_sha256(pdf)
    assert first.licence == "CC0-1.0"


def test_shelf_rows_of_what_is_no_book(pdf: Path, tmp_path: Path) -> None:
    (tmp_path / "note.pdf").write_text("no PDF")
    with pytest.raises(InputError) as error:
        list(shelf_rows([pdf, tmp_path / "note.pdf", tmp_path / "gone.pdf"]))
    assert [line.partition(" ")[0] for line in str(error.value).splitlines()] == [
        f"{tmp_path}/note.pdf",
        f"{tmp_path}/gone.pdf:",
    ]


def test_a_project_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / 'my "set"'
    assert main(["init", str(folder), "--models", str(tmp_path / "models")]) == 0
    out = capsys.readouterr().out
    assert f"{folder}/Snakefile\n" in out and "shelf add" in out
    assert f'models: "{tmp_path}/models"' in (folder / "config/config.yaml").read_text()
    assert (folder / "slurm/config.yaml").exists() and not (folder / "prompts").exists()
    assert read_shelf_header(folder / "config/books.tsv") == list(COLUMNS)
    assert main(["init", str(folder)]) == 1
    assert "Snakefile" in capsys.readouterr().err
    assert main(["init", str(tmp_path / "two"), "--prompts"]) == 0
    assert (tmp_path / "two/prompts/refine.j2").exists()


def read_shelf_header(path: Path) -> list[str]:
    return path.read_text().splitlines()[0].split("\t")[: len(COLUMNS)]
