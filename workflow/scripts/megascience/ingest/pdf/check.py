"""Pdffile: whether a file is a PDF that can be read. Imports little, since each book's process pays for it."""

import os
from pathlib import Path


def pdf_fault(path: str | Path) -> str | None:
    """Return why a file cannot be digitized, with the fix, or None for a PDF that opens and has pages."""
    import pypdfium2.raw as pdfium

    with open(path, "rb") as handle:
        # readers accept up to 1,024 bytes before the header (Adobe's implementation note 13 to PDF 1.7)
        if b"%PDF-" not in handle.read(1024 + 5):
            return f"{path} is not a PDF; convert it to PDF first"
    # the raw calls, since pypdfium2's PdfDocument takes a PDF without pages for the error of an earlier one
    document = pdfium.FPDF_LoadDocument(os.fsencode(path) + b"\0", None)
    if not document:
        if pdfium.FPDF_GetLastError() == pdfium.FPDF_ERR_PASSWORD:
            return f"{path} is encrypted; save a copy without password"
        return f"{path} is corrupt; fetch it again"
    pages = pdfium.FPDF_GetPageCount(document)
    pdfium.FPDF_CloseDocument(document)
    return None if pages else f"{path} has no pages; fetch it again"
