"""Classify: what of a book the model sees, and which books a discipline's shard takes.

Books are classified where they are digitized, in the shards of their home discipline. A book whose disciplines
the shelf leaves open is at home in `layout.UNCLASSIFIED` and stands in one shard of every discipline when the
workflow is planned; when its subject is known, each such shard takes or leaves it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from megascience.ingest.books import Book
from megascience.ingest.pdf.text_repair import is_heading, is_title
from megascience.storage.parquet import read_columns

#: Pages at the front of a book among which its table of contents is looked for.
_FRONT = 20
_CONTENTS = re.compile(r"(?im)^\W*(?:table of )?contents\W*$")
_ENTRY = re.compile(r"(?m)\S.*[\s.…]\d{1,4}\s*$")


def book_records(
    pages: Iterable[Mapping[str, Any]],
    books: Sequence[Book],
    offered: Sequence[str],
    *,
    contents_chars: int,
    sample_pages: int,
    page_chars: int,
) -> list[dict[str, Any]]:
    """Return one row of `schemas.BOOKS` for each book that has pages, in the order of the shelf.

    Args:
        pages: rows of `schemas.PAGES` of these books, in any order.
        offered: the disciplines that the workflow serves.
        contents_chars, sample_pages, page_chars: how much of a book is shown: its contents, and the beginnings of
            some pages spread evenly over it. A book that needs no question shows nothing.
    """
    by_book: dict[str, list[Mapping[str, Any]]] = {book.book_id: [] for book in books}
    for page in pages:
        by_book[page["book_id"]].append(page)
    rows = []
    for book in books:
        texts = [page["text"] for page in sorted(by_book[book.book_id], key=lambda page: page["page"])]
        if not texts:
            continue  # digitize has told why
        settled = bool(book.level and book.disciplines)
        rows.append(
            {
                "book_id": book.book_id,
                "title": book.title,
                "disciplines": list(book.disciplines),
                "level": book.level,
                "offered": list(offered),
                "contents": "" if settled else contents_of(texts, contents_chars),
                "sample": "" if settled else sample_of(texts, sample_pages, page_chars),
            }
        )
    return rows


def contents_of(pages: Sequence[str], limit: int) -> str:
    """Return a book's table of contents, or where it has none its headings, of at most `limit` characters."""
    for place, page in enumerate(pages[:_FRONT]):
        if found := _CONTENTS.search(page):
            parts = [page[found.start() :].strip()]
            for following in pages[place + 1 : _FRONT]:
                lines = [line for line in following.splitlines() if line.strip()]
                if 2 * sum(bool(_ENTRY.match(line)) for line in lines) < max(1, len(lines)):
                    break
                parts.append(following.strip())
            return _cut("\n".join(parts), limit)
    paragraphs = [text.strip() for page in pages for text in re.split(r"\n\s*\n", page)]
    headings = [text for before, text in pairwise(["", *paragraphs]) if is_heading(text) or _entitles(before, text)]
    return _cut("\n".join(dict.fromkeys(headings)), limit)


def _entitles(before: str, text: str) -> bool:
    """Return whether a paragraph is the title below a bare `Chapter 1`."""
    return is_heading(before) and is_title(text)


def sample_of(pages: Sequence[str], count: int, limit: int) -> str:
    """Return the beginnings, of at most `limit` characters, of `count` pages spread evenly over a book."""
    count = min(count, len(pages))
    chosen = [pages[(2 * i + 1) * len(pages) // (2 * count)] for i in range(count)]
    return "\n\n[…]\n\n".join(_cut(page.strip(), limit) for page in chosen)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return text[:limit].rsplit(None, 1)[0] + " …"


def books_of(discipline: str, candidates: Sequence[str], classified: Iterable[str | Path]) -> list[str]:
    """Return those of the candidate books that were found to be of a discipline.

    Args:
        candidates: the ids of the books that the plan gives to a shard; the result has their order.
        classified: the kept rows of classify, those of the candidates' homes.
    """
    rows = [row for path in classified for row in read_columns(path, ["book_id", "disciplines"]).to_pylist()]
    found = {row["book_id"] for row in rows if discipline in row["disciplines"]}
    return [book_id for book_id in candidates if book_id in found]
