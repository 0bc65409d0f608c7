"""Digitize: textbook PDFs to text, one row a page, by the text layer (`pdftext`) or by `olmocr`."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from megascience.ingest.books import Book
from megascience.ingest.pdf.pages import page_id, page_row
from megascience.storage.drops import Drop
from megascience.storage.errors import InputError

Rows = list[dict[str, Any]]
Drops = list[tuple[str, Drop]]

#: Seconds after which a book is given up. The slowest book measured takes 0.01 s a page.
TIME_LIMIT = 1800.0


def digitize(
    books: Sequence[Book], engine: str, options: Mapping[str, Any] | None = None, workspace: str | Path | None = None
) -> tuple[Rows, Drops]:
    """Turn books into pages.

    Args:
        engine: "pdftext" (the PDF's own text layer) or "olmocr" (a vision model; see `olmocr.digitize`).
        options: settings of the engine. pdftext: `time_limit` (seconds a book), `workers` (books at once).
        workspace: folder outside the declared outputs, where olmocr keeps what is done; pdftext needs none.

    Returns:
        Rows of `schemas.PAGES` by book and page, and (id, Drop) of what has no text: the book_id of a book
        that cannot be read at all, else the page_id.

    Raises:
        InputError: unknown engine or option.
    """
    options = dict(options or {})
    if engine == "pdftext":
        return _pdftext(books, **_checked(engine, options, {"time_limit", "workers"}))
    if engine == "olmocr":
        from megascience.ingest.pdf import olmocr

        if workspace is None:
            raise InputError("engine olmocr needs a workspace folder; give one outside results that are declared")
        return olmocr.digitize(books, Path(workspace), olmocr.Options(**_checked(engine, options, olmocr.OPTIONS)))
    raise InputError(f"unknown digitizing engine {engine!r}; use pdftext or olmocr")


def _checked(engine: str, options: dict[str, Any], known: set[str]) -> dict[str, Any]:
    for name in options:
        if name not in known:
            raise InputError(f"unknown option {name!r} of engine {engine}; use {', '.join(sorted(known))}")
    return options


def _pdftext(books: Sequence[Book], time_limit: float = TIME_LIMIT, workers: int = 1) -> tuple[Rows, Drops]:
    engine_version = f"pypdfium2 {version('pypdfium2')}"
    rows: Rows = []
    drops: Drops = []
    with ThreadPoolExecutor(max_workers=workers) as pool:  # each thread waits for a process of its own
        for book, answer in zip(books, pool.map(partial(read_apart, time_limit=time_limit), books), strict=True):
            if "fault" in answer:
                drops.append((book.book_id, Drop("book_unreadable", answer["fault"])))
                continue
            for page in answer["pages"]:
                number = page["page"]
                if page["error"]:
                    drops.append((page_id(book.book_id, number), Drop("page_failed", page["error"])))
                elif not page["text"].strip():
                    drops.append((page_id(book.book_id, number), Drop("page_empty")))
                else:
                    rows.append(page_row(book, number, page["text"], "pdftext", engine_version))
    return rows, drops


def read_apart(book: Book, time_limit: float = TIME_LIMIT, read: Callable[..., Any] = subprocess.run) -> dict[str, Any]:
    """Read one book's text layer in a process of its own, which may crash or hang.

    Returns:
        `{"pages": [...]}` as `pdftext.read_book` gives them, or `{"fault": why the book cannot be read}`.
    """
    library = Path(__file__).parents[3]
    command = [sys.executable, "-m", "megascience.ingest.pdf.text_layer", str(Path(book.path).resolve())]
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
