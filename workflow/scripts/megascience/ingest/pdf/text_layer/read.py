"""Pdftext: the text layer of one PDF, page by page, by PDFium.

Run as a program (`python -m megascience.ingest.pdf.text_layer FILE`) it prints one JSON object; `digitize` does so for
each book, since PDFium is native code and a hostile or torn PDF can crash or hang the process it runs in.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from megascience.ingest.pdf.check import pdf_fault
from megascience.ingest.pdf.text_layer.columns import order_columns
from megascience.ingest.pdf.text_layer.edges import strip_running
from megascience.ingest.pdf.text_layer.fonts import Fonts
from megascience.ingest.pdf.text_layer.formulas import compose
from megascience.ingest.pdf.text_layer.glyphs import read_page
from megascience.ingest.pdf.text_layer.lines import Line, lines_of
from megascience.ingest.pdf.text_layer.paragraphs import paragraphs, text_width, usual_leading, usual_size
from megascience.ingest.pdf.text_layer.tables import find_tables
from megascience.ingest.pdf.text_repair import vocabulary_of


def read_book(path: str | Path) -> list[dict[str, Any]]:
    """Return `{"page", "text", "error", "glyphs", "blank"}` for each page of a PDF, numbered from 1.

    `text` is "" for a page without text; `error` says why a page could not be read, else "". `glyphs` counts the
    characters that the page draws; a `blank` page draws nothing at all.
    Paragraphs are parted by a blank line; lines that belong apart (code, tables, formulas) by a line end.

    Raises:
        ValueError: the file is not a PDF, is corrupt, encrypted, or has no pages.
    """
    import pypdfium2
    import pypdfium2.raw as raw

    fault = pdf_fault(path)
    if fault:
        raise ValueError(fault)
    document = pypdfium2.PdfDocument(path)
    fonts = Fonts(path)
    pages: list[list[Line]] = []
    errors: dict[int, str] = {}
    counts: dict[int, int] = {}
    blank: dict[int, bool] = {}
    try:
        for index in range(len(document)):
            try:
                page = document[index]
                glyphs, bars = read_page(page, index, fonts)
                counts[index] = len(glyphs)
                blank[index] = raw.FPDFPage_CountObjects(page.raw) == 0
                glyphs = compose(glyphs, bars)
                pages.append(lines_of(glyphs, find_tables(glyphs, bars)))
                page.close()
            except pypdfium2.PdfiumError as error:
                pages.append([])
                errors[index] = str(error)
    finally:
        document.close()
    texts = page_texts(pages)
    return [
        {
            "page": i + 1,
            "text": text,
            "error": errors.get(i, ""),
            "glyphs": counts.get(i, 0),
            "blank": blank.get(i, False),
        }
        for i, text in enumerate(texts)
    ]


def page_texts(pages: Sequence[Sequence[Line]]) -> list[str]:
    """Return the running text of each page of one book; paragraphs are parted by a blank line."""
    bodies = strip_running(pages)
    vocabulary = vocabulary_of(line.text for page in bodies for line in page)
    ordered = order_columns(bodies)
    size, leading, width = usual_size(ordered), usual_leading(ordered), text_width(ordered)
    return ["\n\n".join(paragraphs(page, size, leading, width, vocabulary)) for page in ordered]
