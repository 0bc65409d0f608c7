"""Digitize: textbook PDFs to text, one row a page, by one of three engines."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from megascience.ingest.books import Book
from megascience.ingest.pdf import tesseract
from megascience.ingest.pdf.pages import page_id, page_row
from megascience.storage.drops import Drop
from megascience.storage.errors import InputError

Rows = list[dict[str, Any]]
Drops = list[tuple[str, Drop]]

#: Seconds after which a book is given up. The slowest book measured takes 0.01 s a page.
TIME_LIMIT = 1800.0


#: The engines by name.
ENGINES = ("pdftext", "tesseract", "olmocr")


def digitize(
    books: Sequence[Book],
    engine: str,
    options: Mapping[str, Any] | None = None,
    workspace: str | Path | None = None,
    wanted: Mapping[str, Collection[int]] | None = None,
) -> tuple[Rows, Drops]:
    """Turn books into pages, whatever the pages are worth; `gate.readable_pages` judges them.

    Args:
        engine: "pdftext" (the PDF's own text layer), "tesseract" (pictures of the pages, on a CPU) or "olmocr" (a
            vision model; see `olmocr.digitize`).
        options: settings of the engine. pdftext: `time_limit` (seconds a book), `workers` (books at once).
            tesseract: these, `languages` (such as eng+fra), `dpi`, `page_time_limit` (seconds).
        workspace: folder outside the declared outputs, where olmocr keeps what is done; the others need none.
        wanted: the numbers of the pages to read by book_id; None for all.

    Returns:
        Rows of `schemas.PAGES` by book and page, and (id, Drop) of what has no text: the book_id of a book
        that cannot be read at all, else the page_id.

    Raises:
        InputError: unknown engine or option, or tesseract is not there.
    """
    options = dict(options or {})
    if engine == "pdftext":
        return _pdftext(books, wanted, **_checked(engine, options, {"time_limit", "workers"}))
    if engine == "tesseract":
        return _tesseract(books, wanted, **_checked(engine, options, tesseract.OPTIONS))
    if engine == "olmocr":
        from megascience.ingest.pdf import olmocr

        if workspace is None:
            raise InputError("engine olmocr needs a workspace folder; give one outside results that are declared")
        settings = olmocr.Options(**_checked(engine, options, olmocr.OPTIONS))
        return olmocr.digitize(books, Path(workspace), settings, wanted)
    raise InputError(f"unknown digitizing engine {engine!r}; use {', '.join(ENGINES)}")


def _checked(engine: str, options: dict[str, Any], known: set[str]) -> dict[str, Any]:
    for name in options:
        if name not in known:
            raise InputError(f"unknown option {name!r} of engine {engine}; use {', '.join(sorted(known))}")
    return options


def _pdftext(
    books: Sequence[Book],
    wanted: Mapping[str, Collection[int]] | None,
    time_limit: float = TIME_LIMIT,
    workers: int = 1,
) -> tuple[Rows, Drops]:
    def read(book: Book) -> dict[str, Any]:
        return read_apart("megascience.ingest.pdf.text_layer", book, (), time_limit)

    return _rows(books, read, "pdftext", f"pypdfium2 {version('pypdfium2')}", workers, wanted)


def _tesseract(
    books: Sequence[Book],
    wanted: Mapping[str, Collection[int]] | None,
    languages: str = "eng",
    dpi: int = 300,
    page_time_limit: float = 120.0,
    time_limit: float = 24 * 3600.0,
    workers: int = 1,
) -> tuple[Rows, Drops]:
    engine_version = f"{tesseract.tesseract_version(languages)} {dpi} dpi"

    def read(book: Book) -> dict[str, Any]:
        pages = [] if wanted is None else sorted(wanted[book.book_id])
        arguments = (languages, str(dpi), f"{page_time_limit:g}", *map(str, pages))
        return read_apart("megascience.ingest.pdf.tesseract", book, arguments, time_limit)

    return _rows(books, read, "tesseract", engine_version, workers, wanted)


def _rows(
    books: Sequence[Book],
    read: Callable[[Book], dict[str, Any]],
    engine: str,
    engine_version: str,
    workers: int,
    wanted: Mapping[str, Collection[int]] | None,
) -> tuple[Rows, Drops]:
    rows: Rows = []
    drops: Drops = []
    with ThreadPoolExecutor(max_workers=workers) as pool:  # each thread waits for a process of its own
        for book, answer in zip(books, pool.map(read, books), strict=True):
            if "fault" in answer:
                drops.append((book.book_id, Drop("book_unreadable", answer["fault"])))
                continue
            for page in answer["pages"]:
                number = page["page"]
                if wanted is not None and number not in wanted[book.book_id]:
                    continue
                if page["error"]:
                    drops.append((page_id(book.book_id, number), Drop("page_failed", page["error"])))
                elif not page["text"].strip():
                    drops.append((page_id(book.book_id, number), Drop("page_empty")))
                else:
                    rows.append(page_row(book, number, page["text"], engine, engine_version))
    return rows, drops


def read_apart(
    module: str,
    book: Book,
    arguments: Sequence[str] = (),
    time_limit: float = TIME_LIMIT,
    read: Callable[..., Any] = subprocess.run,
) -> dict[str, Any]:
    """Read one book by a module in a process of its own, which may crash or hang.

    Returns:
        `{"pages": [...]}` as the module's `read_book` gives them, or `{"fault": why the book cannot be read}`.
    """
    library = Path(__file__).parents[3]
    command = [sys.executable, "-m", module, str(Path(book.path).resolve()), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(library), "PYTHONIOENCODING": "utf-8"}
    try:
        done = read(command, capture_output=True, timeout=time_limit, env=environment, check=False)
    except subprocess.TimeoutExpired:
        return {"fault": f"{book.path}: not read within {time_limit:g} s"}
    if done.returncode < 0:
        return {"fault": f"{book.path}: the PDF library was killed by signal {-done.returncode}"}
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return {"fault": f"{book.path}: the PDF library failed ({last})"}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
