"""Add books: rows for books.tsv from PDFs, ready to paste."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from megascience.ingest.pdf.check import pdf_fault
from megascience.storage.errors import InputError
from megascience.storage.files import file_sha256, path_fault, same_files


def shelf_rows(paths: Sequence[str | Path], disciplines: str = "", licence: str = "") -> Iterator[str]:
    """Yield one tab-separated row a PDF, in the order of `shelf.COLUMNS`: id from the file's name, title from the PDF.

    Args:
        disciplines: joined by `;`, the same for all.
        licence: the same for all.

    Raises:
        InputError: before any row, one line a file that is not there or cannot be digitized.
    """
    files = [Path(path) for path in paths]
    faults = [path_fault(file) or _file_fault(file) for file in files]
    faults += [f"{files[n]} is the same file as {files[first]}; name it once" for n, first in same_files(files)]
    if any(faults):
        raise InputError("\n".join(fault for fault in faults if fault))
    taken: set[str] = set()
    for file in files:
        book_id = base = re.sub(r"[^a-z0-9]+", "_", file.stem.lower()).strip("_") or "book"
        number = 1
        while book_id in taken:
            number += 1
            book_id = f"{base}_{number}"
        taken.add(book_id)
        cells = (book_id, disciplines, _title(file), str(file), file_sha256(file), licence)
        yield "\t".join(" ".join(cell.split()) for cell in cells)


def _file_fault(file: Path) -> str | None:
    return pdf_fault(file) if file.is_file() else f"{file}: no such file; fix the path"


def _title(file: Path) -> str:
    import pypdfium2

    with pypdfium2.PdfDocument(file) as document:
        return document.get_metadata_value("Title").strip() or file.stem
