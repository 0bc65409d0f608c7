"""Commands before a run: rows for the table of books."""

from pathlib import Path
from typing import Annotated

import typer

shelf = typer.Typer(name="shelf", help="The table of books.", no_args_is_help=True)


@shelf.callback()
def _several() -> None:
    """The table of books."""


@shelf.command()
def add(
    pdf: Annotated[list[Path], typer.Argument(help="PDFs.")],
    disciplines: Annotated[str, typer.Option(help="Joined by ; (the first one is the book's home).")] = "",
    licence: Annotated[str, typer.Option(help="The licence of all of them.")] = "",
) -> None:
    """Print rows for books.tsv, with the sha256 of each PDF."""
    from megascience.cli.add_books import shelf_rows
    from megascience.storage.text import printable

    for row in shelf_rows(pdf, disciplines, licence):
        print(printable(row))
