"""The engine olmocr: with a stand-in for its command, and with the real command against a stand-in for the model."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from megascience.ingest.books import Book
from megascience.ingest.pdf import olmocr
from megascience.ingest.pdf.digitize import digitize
from megascience.storage.errors import EngineError, InputError
from megascience.storage.parquet import to_table
from minipdf import Page, encrypted, pdf, text_page
from owned import SCHEMAS
from visionserver import page_answer, vision_server

# --- a stand-in for the command --------------------------------------------------------------------------------

FAKE = '''#!{python}
"""Writes what olmocr 0.4.27 writes: a group of PDFs to results/output_<hash>.jsonl, then a done flag."""
import hashlib, json, os, sys
from pathlib import Path

plan = json.loads(Path({plan!r}).read_text())
arguments = sys.argv[1:]
with open({calls!r}, "a") as handle:
    handle.write(json.dumps(arguments) + "\\n")
if plan.get("fail"):
    print(plan["fail"], file=sys.stderr)
    sys.exit(1)
workspace = Path(arguments[0])
names = Path(workspace, arguments[arguments.index("--pdfs") + 1]).read_text().split()
lines = []
for name in names:
    document = plan["documents"].get(Path(name).stem)
    if document is None:
        continue
    text, spans, languages = "", [], []
    for number, (page, language) in enumerate(document["pages"], start=1):
        part = (page + "\\n" if number < len(document["pages"]) else page) if page is not None else ""
        spans.append([len(text), len(text) + len(part), number])
        languages.append(language)
        text += part
    lines.append(json.dumps({{
        "id": hashlib.sha1(text.encode()).hexdigest(), "text": text, "source": "olmocr",
        "metadata": {{"Source-File": name, "olmocr-version": "0.4.27", "pdf-total-pages": len(spans),
                      "total-fallback-pages": document.get("fallbacks", 0)}},
        "attributes": {{"pdf_page_numbers": spans, "primary_language": languages}},
    }}))
group = hashlib.sha1("".join(sorted(names)).encode()).hexdigest()
for folder in ("results", "done_flags"):
    Path(workspace, folder).mkdir(exist_ok=True)
Path(workspace, "results", f"output_{{group}}.jsonl").write_text("".join(line + "\\n" for line in lines))
Path(workspace, "done_flags", f"done_{{group}}.flag").touch()
'''


class Fake:
    """A command that plays olmocr, what it is to answer, and how it was called."""

    def __init__(self, folder):
        self.plan, self.calls = folder / "plan.json", folder / "calls.jsonl"
        self.command = folder / "olmocr"
        self.command.write_text(FAKE.format(python=sys.executable, plan=str(self.plan), calls=str(self.calls)))
        self.command.chmod(0o755)
        self.documents: dict[str, dict] = {}
        self.answer()

    def answer(self, book=None, pages=(), fallbacks=0, fail=""):
        if book is not None:
            self.documents[olmocr.file_sha256(book.path)] = {"pages": list(pages), "fallbacks": fallbacks}
        self.plan.write_text(json.dumps({"documents": self.documents, "fail": fail}))

    def argument_lists(self):
        return [json.loads(line) for line in self.calls.read_text().splitlines()] if self.calls.exists() else []


@pytest.fixture
def fake(tmp_path):
    return Fake(tmp_path)


def book(tmp_path, name="waves", pages=2, content=None):
    path = tmp_path / f"{name}.pdf"
    path.write_bytes(content or pdf([text_page(f"{name} {i}") for i in range(pages)]))
    return Book(name, ("physics",), name, str(path), "", "", "books.tsv:2")


def run(books, fake, tmp_path, **options):
    settings = {"model": "vision", "server": "http://127.0.0.1:1/v1", "command": [str(fake.command)], **options}
    return digitize(books, "olmocr", settings, tmp_path / "workspace")


def test_pages_are_cut_at_the_spans_of_the_document(tmp_path, fake):
    waves = book(tmp_path, pages=3)
    fake.answer(waves, [("# Waves\n\nv = $\\lambda f$ — 波", "en"), (None, "en"), ("Last.", "en")])
    rows, drops = run([waves], fake, tmp_path)
    assert [(row["page_id"], row["text"]) for row in rows] == [
        ("waves:00001", "# Waves\n\nv = $\\lambda f$ — 波"),
        ("waves:00003", "Last."),
    ]
    assert [(page_id, drop.reason) for page_id, drop in drops] == [("waves:00002", "page_empty")]
    assert {(row["engine"], row["engine_version"]) for row in rows} == {("olmocr", "olmocr 0.4.27 vision")}
    assert to_table(rows, SCHEMAS["digitize"]).num_rows == 2


def test_the_model_and_its_revision_are_on_each_page(tmp_path, fake):
    waves = book(tmp_path)
    fake.answer(waves, [("a", "en"), ("b", "en")])
    rows, _ = run([waves], fake, tmp_path, revision="1025")
    assert rows[0]["engine_version"] == "olmocr 0.4.27 vision@1025"


def test_how_olmocr_is_called(tmp_path, fake):
    waves = book(tmp_path)
    fake.answer(waves, [("a", "en"), ("b", "en")])
    options = {"workers": 3, "pages_per_group": 40, "server": "http://node7:8000/v1", "guided_decoding": True}
    run([waves], fake, tmp_path, **options)
    (arguments,) = fake.argument_lists()
    given = dict(zip(arguments[1:-1:2], arguments[2:-1:2], strict=True))
    assert given["--server"] == "http://node7:8000/v1"
    assert given["--model"] == "vision"
    assert given["--workers"] == "3"
    assert given["--pages_per_group"] == "40"
    assert arguments[-1] == "--guided_decoding"


def test_books_that_are_done_are_not_sent_again(tmp_path, fake):
    a, b = book(tmp_path, "a"), book(tmp_path, "b", 1)
    fake.answer(a, [("a1", "en"), ("a2", "en")])
    fake.answer(b, [("b1", "en")])
    first = run([a], fake, tmp_path)
    assert run([a], fake, tmp_path) == first
    assert len(fake.argument_lists()) == 1
    rows, _ = run([a, b], fake, tmp_path)
    assert [row["text"] for row in rows] == ["a1", "a2", "b1"]
    sent = next((tmp_path / "workspace").glob("*/pdfs.txt")).read_text().split()
    assert sent == [f"pdfs/{olmocr.file_sha256(b.path)}.pdf"]


def test_a_book_that_moved_and_was_renamed_is_still_done(tmp_path, fake):
    old = book(tmp_path, "old")
    fake.answer(old, [("one", "en"), ("two", "en")])
    run([old], fake, tmp_path)
    Path(old.path).rename(tmp_path / "new name.pdf")
    new = Book("new", ("physics",), "new", str(tmp_path / "new name.pdf"), "", "", "books.tsv:2")
    rows, _ = run([new], fake, tmp_path)
    assert [row["page_id"] for row in rows] == ["new:00001", "new:00002"]
    assert len(fake.argument_lists()) == 1


def test_two_books_with_the_same_file_are_read_once(tmp_path, fake):
    a = book(tmp_path, "a")
    twin = Book("twin", ("biology",), "twin", a.path, "", "", "books.tsv:3")
    fake.answer(a, [("one", "en"), ("two", "en")])
    rows, _ = run([a, twin], fake, tmp_path)
    assert [row["page_id"] for row in rows] == ["a:00001", "a:00002", "twin:00001", "twin:00002"]


def test_another_model_reads_the_book_anew(tmp_path, fake):
    waves = book(tmp_path)
    fake.answer(waves, [("one", "en"), ("two", "en")])
    run([waves], fake, tmp_path)
    fake.answer(waves, [("uno", "en"), ("due", "en")])
    rows, _ = run([waves], fake, tmp_path, model="other")
    assert [row["text"] for row in rows] == ["uno", "due"]


def test_pages_that_fell_back_to_the_text_layer_are_dropped(tmp_path, fake):
    waves = book(tmp_path, pages=4)
    fake.answer(waves, [("one", "en"), ("raw layer", None), ("three", "en"), (None, None)], fallbacks=1)
    rows, drops = run([waves], fake, tmp_path, max_page_error_rate=0.5)
    assert [row["page"] for row in rows] == [1, 3]
    assert [(page_id, drop.reason) for page_id, drop in drops] == [
        ("waves:00002", "page_failed"),
        ("waves:00004", "page_empty"),
    ]
    assert "1 such pages" in drops[0][1].detail


def test_pages_without_a_language_stay_where_no_page_fell_back(tmp_path, fake):
    waves = book(tmp_path)
    fake.answer(waves, [("E = mc²", None), ("two", "en")])
    rows, drops = run([waves], fake, tmp_path)
    assert (len(rows), drops) == (2, [])


@pytest.mark.parametrize(("rate", "kept"), [(0.25, 3), (0.24, 0)])
def test_a_book_with_too_many_failed_pages_is_left_out_whole(tmp_path, fake, rate, kept):
    waves = book(tmp_path, pages=4)
    fake.answer(waves, [("one", "en"), ("raw layer", None), ("three", "en"), ("four", "en")], fallbacks=1)
    rows, drops = run([waves], fake, tmp_path, max_page_error_rate=rate)
    assert len(rows) == kept
    assert len(rows) + len(drops) == 4
    assert {drop.reason for _, drop in drops} == {"page_failed"}


def test_a_book_without_a_document_has_all_its_pages_dropped(tmp_path, fake):
    rows, drops = run([book(tmp_path, pages=3)], fake, tmp_path)
    assert rows == []
    assert [(page_id, drop.reason) for page_id, drop in drops] == [(f"waves:0000{n}", "page_failed") for n in (1, 2, 3)]


@pytest.mark.parametrize("content", [b"%PDF-1.4\njunk", encrypted(), pdf([])])
def test_an_unreadable_book_is_never_sent(tmp_path, fake, content):
    good, bad = book(tmp_path, "good"), book(tmp_path, "bad", content=content)
    fake.answer(good, [("one", "en"), ("two", "en")])
    rows, drops = run([bad, good], fake, tmp_path)
    assert len(rows) == 2
    assert [(identifier, drop.reason) for identifier, drop in drops] == [("bad", "book_unreadable")]
    assert len(next((tmp_path / "workspace").glob("*/pdfs.txt")).read_text().split()) == 1


def test_a_failure_is_told_with_its_cause_and_what_was_done_stays(tmp_path, fake):
    a, b = book(tmp_path, "a"), book(tmp_path, "b")
    fake.answer(a, [("one", "en"), ("two", "en")])
    run([a], fake, tmp_path)
    fake.answer(fail="vllm server did not become ready after waiting.")
    with pytest.raises(EngineError, match=r"did not become ready .*olmocr\.log.*127\.0\.0\.1:1"):
        run([a, b], fake, tmp_path)
    assert len(run([a], fake, tmp_path)[0]) == 2


def test_locks_and_the_index_of_a_killed_run_are_cleared(tmp_path, fake):
    waves = book(tmp_path)
    fake.answer(waves, [("one", "en"), ("two", "en")])
    folder = tmp_path / "workspace" / olmocr.content_id("vision", "")
    (folder / "worker_locks").mkdir(parents=True)
    (folder / "worker_locks" / "worker_abc.lock").touch()
    (folder / "work_index_list.csv.zstd").write_bytes(b"torn")
    run([waves], fake, tmp_path)
    assert not (folder / "worker_locks").exists()
    assert not (folder / "work_index_list.csv.zstd").exists()


def test_a_torn_result_file_is_read_as_far_as_it_goes(tmp_path, fake):
    a, b = book(tmp_path, "a"), book(tmp_path, "b", 1)
    fake.answer(a, [("one", "en"), ("two", "en")])
    fake.answer(b, [("only", "en")])
    run([a, b], fake, tmp_path)
    (output,) = (tmp_path / "workspace").glob("*/results/output_*.jsonl")
    lines = output.read_text().splitlines()
    output.write_text(lines[0] + "\n" + lines[1][:40])
    rows, _ = run([a, b], fake, tmp_path)
    assert len(fake.argument_lists()) == 2
    assert {row["book_id"] for row in rows} == {"a", "b"}


def test_two_runs_in_one_workspace_are_refused(tmp_path, fake):
    folder = tmp_path / "workspace" / olmocr.content_id("vision", "")
    with olmocr._alone(folder), pytest.raises(EngineError, match="another olmocr works here"):
        run([book(tmp_path)], fake, tmp_path)


def test_names_from_the_shelf_never_reach_the_command_line(tmp_path, fake):
    odd = tmp_path / "--server=http:evil; touch x.pdf"
    odd.write_bytes(pdf([text_page("text")]))
    waves = Book("waves", ("physics",), "waves", str(odd), "", "", "books.tsv:2")
    fake.answer(waves, [("one", "en")])
    assert len(run([waves], fake, tmp_path)[0]) == 1
    assert not any("evil" in argument for argument in fake.argument_lists()[0])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"command": ["no-such-olmocr"]}, "there is no command 'no-such-olmocr'; install olmocr"),
        ({"model": ""}, "needs the option `model`"),
        ({"gpus": 3}, "unknown option 'gpus' of engine olmocr"),
    ],
)
def test_bad_options_are_told(tmp_path, fake, options, said):
    with pytest.raises(InputError, match=said):
        run([book(tmp_path)], fake, tmp_path, **options)


# --- the real command ------------------------------------------------------------------------------------------

_PLACES = (os.environ.get("OLMOCR"), Path(__file__).parents[4] / ".venv/olmocr/bin/olmocr", "olmocr")
REAL = next((found for place in _PLACES if place and (found := shutil.which(place))), None)

real = pytest.mark.skipif(
    REAL is None or shutil.which("pdftoppm") is None,
    reason="THE REAL OLMOCR IS NOT TESTED: install requirements/olmocr.txt in .venv/olmocr (or name its command in the "
    "variable OLMOCR) and poppler-utils",
)


@pytest.mark.long
@real
def test_the_real_olmocr_reads_pages_through_a_server_and_resumes(tmp_path):
    a, b = book(tmp_path, "a", 2), book(tmp_path, "b", 1)
    with vision_server(lambda number: page_answer(f"Answer {number} with $x^2$.")) as server:
        options = {"model": "vision", "server": server.url, "command": [REAL], "workers": 1, "server_timeout": 900}
        rows, drops = digitize([a], "olmocr", options, tmp_path / "workspace")
        assert drops == []
        assert [row["page_id"] for row in rows] == ["a:00001", "a:00002"]
        assert {row["text"] for row in rows} == {"Answer 0 with $x^2$.", "Answer 1 with $x^2$."}
        assert {row["engine_version"] for row in rows} == {"olmocr 0.4.27 vision"}
        assert set(server.models) == {"vision"}
        assert all(image.startswith(b"\x89PNG") for image in server.images)
        more, _ = digitize([a, b], "olmocr", options, tmp_path / "workspace")
        assert more[:2] == rows
        assert more[2]["text"] == "Answer 2 with $x^2$."
        assert len(server.images) == 3


@pytest.mark.long
@real
def test_pages_that_the_real_olmocr_gives_up_are_dropped(tmp_path):
    waves = book(tmp_path, "waves", content=pdf([text_page("The first page."), text_page("The second."), Page()]))
    with vision_server(lambda number: None if number else page_answer("Read by the model.")) as server:
        options = {"model": "vision", "server": server.url, "command": [REAL], "workers": 1, "server_timeout": 900}
        options |= {"max_page_retries": 2, "max_concurrent_requests": 1, "max_page_error_rate": 0.7}
        rows, drops = digitize([waves], "olmocr", options, tmp_path / "workspace")
    assert [row["text"] for row in rows] == ["Read by the model."]
    assert len(rows) + len(drops) == 3
    assert "page_failed" in {drop.reason for _, drop in drops}
