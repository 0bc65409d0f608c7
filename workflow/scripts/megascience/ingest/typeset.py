"""Typeset: a book's Typst source to a PDF that has equal bytes on every machine."""

from pathlib import Path

from megascience.storage.errors import InputError
from megascience.storage.files import atomic_file

# Any fixed moment will do: without one, Typst writes today's date into the PDF.
CREATED = 0


def typeset(source: str | Path, output: str | Path) -> None:
    """Compile the Typst file `source` to the PDF `output`, atomically.

    The source may import and read files of its own folder and below. Only the fonts
    embedded in Typst are used, never the machine's, so that pages look the same everywhere.

    Raises:
        InputError: the source is not there, or Typst refuses it (the message gives its line).
    """
    import typst

    source = Path(source)
    if not source.is_file():
        raise InputError(f"{source}: no such Typst file; correct the path")
    try:
        pdf = typst.compile(
            source, root=source.parent, format="pdf", ignore_system_fonts=True, timestamp=CREATED, pdf_tags=False
        )
    except typst.TypstError as error:
        hints = "".join(f" ({hint})" for hint in error.hints)
        raise InputError(
            f"{source}: Typst cannot compile it; fix the source\n{error.diagnostic.strip()}{hints}"
        ) from error
    with atomic_file(output) as handle:
        handle.write(pdf)
