"""Tesseract: scanned pages read on a laptop, by Debian's `tesseract-ocr`.

Run as a program (`python -m megascience.ingest.pdf.tesseract FILE LANGUAGES DPI SECONDS [PAGE …]`) it prints one JSON
object; `digitize` does so for each book. PDFium renders a page, tesseract reads the picture from its input, so no
file is written and no name of a file reaches a command line.
"""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from megascience.ingest.pdf.check import pdf_fault
from megascience.ingest.pdf.text_repair import clean_text, join_lines, vocabulary_of
from megascience.storage.errors import InputError

#: Settings of the engine.
OPTIONS = {"languages", "dpi", "page_time_limit", "time_limit", "workers"}

#: Tesseract's own confidence below which its text is noise: measured pages of print have 87 to 94, handwriting 27.
MIN_SURE = 60

#: Pixels of a rendered page at most: a page may say that it is as large as a house.
MAX_PIXELS = 60_000_000

#: Address space of the process and of each tesseract.
MEMORY_LIMIT = 8 * 2**30

_LANGUAGES = re.compile(r"[A-Za-z][A-Za-z_]*(?:\+[A-Za-z][A-Za-z_]*)*")


def tesseract_version(languages: str) -> str:
    """Return name, version and languages, as each page carries them.

    Raises:
        InputError: tesseract or the data of a language is not there.
    """
    program = shutil.which("tesseract")
    if program is None:
        raise InputError(
            "there is no command 'tesseract'; install it (Debian: apt-get install tesseract-ocr), or set "
            "digitize.engine and digitize.fallback to other engines"
        )
    if not _LANGUAGES.fullmatch(languages):
        raise InputError(f"digitize.tesseract.languages: {languages!r} is not of the form eng or eng+fra")
    listed = subprocess.run([program, "--list-langs"], capture_output=True, text=True, check=False).stdout.split()
    if missing := [name for name in languages.split("+") if name not in listed]:
        raise InputError(
            f"tesseract has no data for {', '.join(missing)}; install it (Debian: tesseract-ocr-{missing[0]})"
        )
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return f"{(said.stdout or said.stderr).splitlines()[0].strip()} {languages}"


def read_book(
    path: str | Path, languages: str, dpi: int, page_time_limit: float, wanted: Collection[int] = ()
) -> list[dict[str, Any]]:
    """Return `{"page", "text", "error"}` for the wanted pages of a PDF (all where none is named), numbered from 1.

    Raises:
        ValueError: the file is not a PDF, is corrupt, encrypted, or has no pages.
    """
    import pypdfium2

    fault = pdf_fault(path)
    if fault:
        raise ValueError(fault)
    document = pypdfium2.PdfDocument(path)
    pages: list[dict[str, Any]] = []
    try:
        for number in sorted(wanted) or range(1, len(document) + 1):
            text, error = "", ""
            try:
                text, sure = _recognized(_picture(document[number - 1], dpi), languages, dpi, page_time_limit)
                if text and sure < MIN_SURE:
                    text, error = "", f"tesseract is {sure:.0f} % sure of its words, less than {MIN_SURE}"
            except (pypdfium2.PdfiumError, OSError, ValueError, IndexError) as fault_:
                error = str(fault_) or type(fault_).__name__
            except subprocess.TimeoutExpired:
                error = f"not recognized within {page_time_limit:g} s"
            pages.append({"page": number, "text": text, "error": error})
    finally:
        document.close()
    vocabulary = vocabulary_of(page["text"] for page in pages)
    for page in pages:
        page["text"] = _paragraphs(page["text"], vocabulary)
    return pages


def _picture(page: Any, dpi: int) -> bytes:
    """Return a page as a grey picture in the PGM format."""
    width, height = page.get_size()
    scale = min(dpi / 72, (MAX_PIXELS / max(1.0, width * height)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True)
    data, stride = bytes(bitmap.buffer), bitmap.stride
    rows = b"".join(data[y * stride : y * stride + bitmap.width] for y in range(bitmap.height))
    page.close()
    return b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + rows


def _recognized(picture: bytes, languages: str, dpi: int, time_limit: float) -> tuple[str, float]:
    """Return the text of a picture, paragraphs parted by a blank line, and how sure tesseract is of it (0 to 100)."""
    command = ["tesseract", "stdin", "stdout", "-l", languages, "--dpi", str(dpi), "--psm", "3", "tsv"]
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}  # its threads wait for each other
    done = subprocess.run(command, input=picture, capture_output=True, timeout=time_limit, env=environment, check=False)
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise ValueError(f"tesseract ended with status {done.returncode} ({last})")
    return _words(done.stdout.decode("utf-8", "replace"))


def _words(table: str) -> tuple[str, float]:
    """Return the text of tesseract's table of words, and the mean of its confidence over the characters."""
    text, before = "", ("", "", "")
    weight, total = 0, 0.0
    for line in table.split("\n")[1:]:
        fields = line.rstrip("\r").split("\t")
        if len(fields) < 12 or fields[0] != "5" or not (word := fields[11].strip()):
            continue
        block, paragraph, row = fields[2:5]
        parted = "" if not text else " " if (block, paragraph, row) == before else "\n"
        if parted == "\n" and (block, paragraph) != before[:2]:
            parted = "\n\n"
        text += parted + word
        before = (block, paragraph, row)
        weight += len(word)
        total += len(word) * float(fields[10])
    return text, total / weight if weight else 0.0


def _paragraphs(text: str, vocabulary: Any) -> str:
    """Return tesseract's text with the lines of a paragraph joined."""
    paragraphs = []
    for block in re.split(r"\n\s*\n", text):
        lines = [clean_text(line).strip() for line in block.split("\n") if line.strip()]
        if lines:
            whole = lines[0]
            for line in lines[1:]:
                whole = join_lines(whole, line, vocabulary)
            paragraphs.append(whole)
    return "\n\n".join(paragraphs)


def main(arguments: list[str]) -> None:
    """Print a PDF's pages as JSON: `{"pages": [...]}`, or `{"fault": why it cannot be read}`."""
    path, languages, dpi, seconds, *pages = arguments
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    try:
        answer: dict[str, Any] = {"pages": read_book(path, languages, int(dpi), float(seconds), [*map(int, pages)])}
    except (ValueError, OSError) as error:
        answer = {"fault": str(error)}
    except MemoryError:
        answer = {"fault": f"{path} needs more than {MEMORY_LIMIT >> 30} GiB to be read"}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
