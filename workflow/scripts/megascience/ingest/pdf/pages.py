"""Pages: one row of a digitized book."""

from typing import Any

from megascience.ingest.books import Book


def page_id(book_id: str, page: int) -> str:
    """Return the id of a page, numbered from 1."""
    return f"{book_id}:{page:05d}"


def page_row(book: Book, number: int, text: str, engine: str, engine_version: str) -> dict[str, Any]:
    """Return a row of `schemas.PAGES`, before the gate has judged it."""
    return {
        "page_id": page_id(book.book_id, number),
        "book_id": book.book_id,
        "page": number,
        "text": text,
        "engine": engine,
        "engine_version": engine_version,
        "language": "",
        "unknown": text.count("\ufffd"),
        "compared_with": None,
        "agreement": None,
    }
