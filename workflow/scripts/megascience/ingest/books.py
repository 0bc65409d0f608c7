"""Shelf: read and check books.tsv, the list of textbooks that the workflow starts from."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from megascience.ingest.pdf.check import pdf_fault
from megascience.storage.errors import InputError
from megascience.storage.files import file_sha256, path_fault, same_files
from megascience.storage.layout import UNCLASSIFIED

COLUMNS = ("book_id", "disciplines", "title", "path", "sha256", "licence")
#: The column that may be left out: what a human knows of a book's academic level.
LEVEL = "level"
LEVELS = ("school", "undergraduate", "graduate")

_ID = re.compile(r"[a-z0-9_]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Book:
    """One row of books.tsv.

    Attributes:
        disciplines: none where the model is to find them; the book's PDF is digitized among the books of the first.
        sha256: hex digest that the file must have, or "" where it is not pinned.
        row: where the book is, as `path/of/books.tsv:line`, for messages.
        level: one of LEVELS, or "" where the model is to find it.
    """

    book_id: str
    disciplines: tuple[str, ...]
    title: str
    path: str
    sha256: str
    licence: str
    row: str
    level: str = ""

    @property
    def discipline(self) -> str:
        """The home discipline: the one whose shards hold the book's pages, `UNCLASSIFIED` where none is known."""
        return self.disciplines[0] if self.disciplines else UNCLASSIFIED


def read_shelf(path: str | Path, disciplines: Sequence[str]) -> list[Book]:
    """Read books.tsv: UTF-8, tab-separated, one header line with `COLUMNS` and perhaps `LEVEL` in any order.

    `disciplines` and `level` may be empty: then the model is asked for them (see `classify`).

    Args:
        disciplines: the known disciplines.

    Raises:
        InputError: every fault of the file, one line each, with file, row and fix.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); create it or fix its path") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start}); save the table as UTF-8 text") from error
    lines = re.split("\r\n|\r|\n", text)  # str.splitlines would also break a title at U+2028 and its kin
    # QUOTE_NONE: a title may hold a quotation mark, and a tab can be in no field anyway
    rows = [
        (number, [cell.strip() for cell in cells])
        for number, cells in enumerate(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), start=1)
        if any(cell.strip() for cell in cells)
    ]
    if not rows:
        raise InputError(f"{path}: the file is empty; write the header line {' '.join(COLUMNS)} (tabs between)")
    header_line, header = rows[0]
    faults = _header_faults(f"{path}:{header_line}", header)
    if faults:
        raise InputError("\n".join(faults))
    if len(rows) == 1:
        raise InputError(f"{path}: no book is listed; add one row a book below the header")

    books: list[Book] = []
    seen: dict[str, str] = {}
    for number, cells in rows[1:]:
        where = f"{path}:{number}"
        if len(cells) > len(header):
            faults.append(f"{where}: {len(cells)} cells under {len(header)} columns; remove the extra tab")
            continue
        record = dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=True))
        book = Book(
            book_id=record["book_id"],
            disciplines=tuple(name for part in record["disciplines"].split(";") if (name := part.strip())),
            title=record["title"],
            path=record["path"],
            sha256=record["sha256"].lower(),
            licence=record["licence"],
            row=where,
            level=record.get(LEVEL, ""),
        )
        faults += _row_faults(book, disciplines)
        if book.book_id in seen:
            faults.append(f"{where}: book_id {book.book_id!r} is already at {seen[book.book_id]}; rename one")
        seen.setdefault(book.book_id, where)
        books.append(book)
    faults += [
        f"{books[n].row}: {books[n].path} is the same file as {books[first].path} at {books[first].row}; "
        "list a book once, with all its disciplines"
        for n, first in same_files([book.path for book in books])
    ]
    if faults:
        raise InputError("\n".join(faults))
    return books


def _header_faults(where: str, header: list[str]) -> list[str]:
    known = f"the columns are {', '.join(COLUMNS)} and perhaps {LEVEL} (tabs between)"
    faults = [f"{where}: column {name!r} is missing; {known}" for name in COLUMNS if name not in header]
    faults += [f"{where}: unknown column {name!r}; {known}" for name in header if name not in (*COLUMNS, LEVEL)]
    twice = [name for name in (*COLUMNS, LEVEL) if header.count(name) > 1]
    faults += [f"{where}: column {name!r} is there twice; remove one" for name in twice]
    return faults


def _row_faults(book: Book, disciplines: Sequence[str]) -> list[str]:
    faults = []
    if not _ID.fullmatch(book.book_id):
        faults.append(f"book_id {book.book_id!r} is a file name later; use lower-case letters, digits and _ only")
    if book.level and book.level not in LEVELS:
        faults.append(f"unknown level {book.level!r}; use one of {', '.join(LEVELS)}, or leave it empty")
    faults += [
        f"unknown discipline {name!r}; use one of {', '.join(disciplines)}"
        for name in book.disciplines
        if name not in disciplines
    ]
    if len(set(book.disciplines)) < len(book.disciplines):
        faults.append(f"a discipline is named twice in {';'.join(book.disciplines)!r}; name each once")
    faults += [f"{name} is empty; fill it in" for name in ("title", "path") if not getattr(book, name)]
    if fault := path_fault(book.path):
        faults.append(fault)
    if book.sha256 and not _SHA256.fullmatch(book.sha256):
        faults.append(f"sha256 {book.sha256!r} is not 64 hex digits; paste the output of sha256sum or leave it empty")
    return [f"{book.row}: {fault}" for fault in faults]


def check_books(books: Sequence[Book]) -> list[str]:
    """Return one message for each book whose PDF cannot be used, with its row, path and the fix.

    Checked: the file is there, has bytes, begins as a PDF, opens without a password, has pages,
    and has the sha256 that the shelf pins.
    """
    return [f"{book.row}: book {book.book_id!r}: {fault}" for book in books if (fault := _file_fault(book))]


def _file_fault(book: Book) -> str | None:
    path = Path(book.path)
    if not path.is_file():
        return f"there is no file {path}; put the PDF there or fix the path"
    if path.stat().st_size == 0:
        return f"{path} is empty; copy the PDF again"
    # before the PDF is opened, since a torn copy is best told by its digest
    if book.sha256 and (found := file_sha256(path)) != book.sha256:
        return f"{path} has sha256 {found}, not {book.sha256}; restore the file or fix sha256"
    return pdf_fault(path)
