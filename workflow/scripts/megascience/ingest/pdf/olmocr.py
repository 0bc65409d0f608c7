"""Olmocr: pages read by a vision model, through the `olmocr` command.

olmocr renders each page, asks an OpenAI-compatible server (or one that it starts itself on a GPU), retries, and
writes one JSON document a book. What is done stays in the workspace, keyed by the books' sha256 and the model:
a book that was read once is not sent again, whatever its place or name on the shelf.
"""

import json
import logging
import os
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from megascience.ingest.books import Book
from megascience.ingest.pdf.check import pdf_fault
from megascience.storage.drops import Drop
from megascience.storage.errors import EngineError, InputError
from megascience.storage.files import file_sha256
from megascience.storage.ids import content_id

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """How to run olmocr.

    Attributes:
        server: base URL of an OpenAI-compatible vision server (`http://host:port/v1`); "" lets olmocr start vLLM.
        model: the model's name at the server, or its hub name or folder where olmocr starts it.
        revision: what the provenance carries beside the name.
        command: the program and any arguments that only concern where it runs.
        workers: groups of books at work at once.
        max_concurrent_requests: requests at the server at once.
        pages_per_group: pages whose results are written, and are safe, together.
        max_page_error_rate: a book with a larger share of failed pages is left out whole.
        max_page_retries: how often a page is tried.
        server_timeout: seconds to wait for the server to answer.
        guided_decoding: hold the model to olmocr's front matter.
    """

    model: str = ""
    server: str = ""
    revision: str = ""
    command: Sequence[str] = ("olmocr",)
    workers: int = 8
    max_concurrent_requests: int = 256
    pages_per_group: int = 200
    max_page_error_rate: float = 0.004
    max_page_retries: int = 8
    server_timeout: int = 600
    guided_decoding: bool = False


OPTIONS = {field.name for field in fields(Options)}


def digitize(
    books: Sequence[Book],
    workspace: Path,
    options: Options,
    wanted: Mapping[str, Collection[int]] | None = None,
) -> tuple[list[dict[str, Any]], list[tuple[str, Drop]]]:
    """Turn books into pages; see `digitize.digitize`.

    A page that the model could not read in all its retries comes from olmocr as the PDF's raw text layer. It is
    dropped as page_failed, since a row of this engine must be the model's reading.

    Raises:
        InputError: the olmocr command is not there.
        ValueError: `wanted` names a page that its book does not have.
        EngineError: olmocr or its server failed; what is done stays in the workspace.
    """
    if wanted is not None:
        return _some_pages(books, workspace, options, wanted)
    readable, drops = [], []
    for book in books:
        fault = pdf_fault(book.path) if Path(book.path).is_file() else f"there is no file {book.path}"
        if fault:
            drops.append((book.book_id, Drop("book_unreadable", fault)))
        else:
            readable.append((book, file_sha256(book.path)))
    if not options.model:
        raise InputError("engine olmocr needs the option `model`; name the vision model that reads the pages")
    # another model's reading is another result
    folder = workspace / content_id(options.model, options.revision)
    with _alone(folder):
        documents = read_documents(folder)
        missing = {digest: book for book, digest in readable if digest not in documents}
        if missing:
            _run(folder, missing, options)
            documents = read_documents(folder)
    rows: list[dict[str, Any]] = []
    for book, digest in readable:
        if digest in documents:
            book_rows, book_drops = _pages(book, documents[digest], options)
        else:
            detail = "olmocr gave no document: no page has text, or it could not open the book (see its log)"
            book_rows, book_drops = [], _all_failed(book, detail)
        rows += book_rows
        drops += book_drops
    return rows, drops


def _some_pages(
    books: Sequence[Book], workspace: Path, options: Options, wanted: Mapping[str, Collection[int]]
) -> tuple[list[dict[str, Any]], list[tuple[str, Drop]]]:
    """Turn some pages of books into rows: olmocr reads whole PDFs, so these pages go into PDFs of their own."""
    from megascience.ingest.pdf.pages import page_id

    folder = workspace / "excerpts"
    folder.mkdir(parents=True, exist_ok=True)
    excerpts: list[Book] = []
    numbers: dict[str, tuple[str, int]] = {}
    for book in books:
        pages = sorted(wanted[book.book_id])
        path = folder / f"{content_id(file_sha256(book.path), *map(str, pages))}.pdf"
        if not path.is_file():
            _write_excerpt(book.path, pages, path)
        excerpts.append(replace(book, path=str(path)))
        numbers.update({page_id(book.book_id, i): (book.book_id, n) for i, n in enumerate(pages, start=1)})
    rows, drops = digitize(excerpts, workspace, options)
    own = []
    for row in rows:
        book_id, number = numbers[row["page_id"]]
        own.append({**row, "page": number, "page_id": page_id(book_id, number)})
    return own, [(page_id(*numbers[i]) if i in numbers else i, drop) for i, drop in drops]


def _write_excerpt(source: str | Path, pages: Sequence[int], path: Path) -> None:
    import pypdfium2

    with pypdfium2.PdfDocument(source) as book, pypdfium2.PdfDocument.new() as excerpt:
        excerpt.import_pages(book, [number - 1 for number in pages])
        partial = path.with_suffix(".partial")
        excerpt.save(partial)
    partial.rename(path)  # its bytes change from writing to writing, and olmocr keeps results by them


def read_documents(folder: Path) -> dict[str, dict[str, Any]]:
    """Return olmocr's documents in a workspace by the sha256 of their PDF; a torn last line is left out."""
    documents = {}
    for path in sorted((folder / "results").glob("output_*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                document = json.loads(line)
                documents[Path(document["metadata"]["Source-File"]).stem] = document
            except (ValueError, KeyError, TypeError):
                log.warning("%s: a line is not a document of olmocr and is ignored", path)
    return documents


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the workspace for this process: olmocr's index is not safe for two writers."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise EngineError(f"{folder}: another olmocr works here; wait for it or end it") from error
    try:
        yield
    finally:
        lock.release()


def _run(folder: Path, missing: dict[str, Book], options: Options) -> None:
    """Run olmocr on the books in a workspace until they are done."""
    program = shutil.which(options.command[0])
    if program is None:
        raise InputError(
            f"there is no command {options.command[0]!r}; install olmocr in an environment of its own and name its "
            "olmocr in the option `command`"
        )
    # A name made of the digest: olmocr keys its index and its done flags by path.
    (folder / "pdfs").mkdir(exist_ok=True)
    names = []
    for digest, book in sorted(missing.items()):
        link = folder / "pdfs" / f"{digest}.pdf"
        link.unlink(missing_ok=True)
        link.symlink_to(Path(book.path).resolve())
        names.append(f"pdfs/{link.name}")
    (folder / "pdfs.txt").write_text("\n".join(names) + "\n")
    # We hold the workspace alone. Locks of a killed run would make olmocr skip its books for half an hour, and the
    # index of an earlier run may list books that left the shelf since; what is done is told by the results.
    shutil.rmtree(folder / "worker_locks", ignore_errors=True)
    (folder / "work_index_list.csv.zstd").unlink(missing_ok=True)
    command = [program, *options.command[1:], ".", "--pdfs", "pdfs.txt", "--model", options.model]
    command += ["--workers", str(options.workers), "--pages_per_group", str(options.pages_per_group)]
    command += ["--max_concurrent_requests", str(options.max_concurrent_requests)]
    command += ["--max_page_retries", str(options.max_page_retries)]
    # 1: olmocr discards no book; the share of failed pages is judged here, where each page is accounted for
    command += ["--max_page_error_rate", "1", "--max_server_ready_timeout", str(options.server_timeout)]
    if options.server:
        command += ["--server", options.server]
    if options.guided_decoding:
        command.append("--guided_decoding")
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    log_path = folder / "olmocr.log"
    with open(log_path, "ab") as output:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, check=False
        )
    if done.returncode:
        lines = log_path.read_text(errors="replace").strip().splitlines()
        raise EngineError(
            f"olmocr ended with status {done.returncode} ({lines[-1] if lines else 'no message'}); see {log_path}, "
            f"check the server {options.server or '(its own)'} and run again: finished books are kept"
        )


def _all_failed(book: Book, detail: str) -> list[tuple[str, Drop]]:
    """Return a drop for each page of a book."""
    import pypdfium2

    from megascience.ingest.pdf.pages import page_id

    document = pypdfium2.PdfDocument(book.path)
    try:
        count = len(document)
    finally:
        document.close()
    return [(page_id(book.book_id, number), Drop("page_failed", detail)) for number in range(1, count + 1)]


def _pages(
    book: Book, document: dict[str, Any], options: Options
) -> tuple[list[dict[str, Any]], list[tuple[str, Drop]]]:
    """Return the rows and drops of one document of olmocr.

    The document says how many pages fell back to the text layer, not which. They are among the pages without a
    language, which a model also reports for a page without words: where there are more of those than fell back,
    none of them is trusted.
    """
    from megascience.ingest.pdf.pages import page_id, page_row

    metadata, attributes = document["metadata"], document["attributes"]
    spans = attributes["pdf_page_numbers"]
    languages = attributes.get("primary_language") or [None] * len(spans)
    fallbacks = int(metadata.get("total-fallback-pages", 0))
    if fallbacks > options.max_page_error_rate * len(spans):
        share = f"{fallbacks} of {len(spans)} pages failed, more than max_page_error_rate"
        return [], _all_failed(book, share)
    version = f"olmocr {metadata['olmocr-version']} {options.model}"
    version += f"@{options.revision}" if options.revision else ""
    rows, drops = [], []
    for (start, end, number), language in zip(spans, languages, strict=True):
        text = document["text"][start:end].strip()
        if not text:
            drops.append((page_id(book.book_id, number), Drop("page_empty")))
        elif fallbacks and language is None:
            detail = f"without a language, and {fallbacks} such pages are not a reading of the model"
            drops.append((page_id(book.book_id, number), Drop("page_failed", detail)))
        else:
            rows.append(page_row(book, number, text, "olmocr", version))
    return rows, drops
