"""Commands before a run: a project of one's own, rows for its table of books."""

from pathlib import Path
from typing import Annotated

import typer

shelf = typer.Typer(name="shelf", help="The table of books.", no_args_is_help=True)


def init(
    folder: Annotated[Path, typer.Argument(help="Where; what is there is never written over.")],
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Copy the prompts, to edit them; else the workflow's own are used.")
    ] = False,
    models: Annotated[
        Path | None, typer.Option(help="Folder of the model files, which projects may share (default: results/models).")
    ] = None,
) -> None:
    """Make a folder for a dataset of your own: settings, table of books, profiles, Snakefile."""
    from megascience.cli.new_project import make_project
    from megascience.storage.text import printable

    for path in make_project(folder, prompts, models):
        print(printable(str(path)))
    print(
        printable(
            f"Next: cd {folder}; megascience shelf add my/books/*.pdf >> config/books.tsv; "
            "fill in its disciplines; read config/config.yaml; snakemake -n"
        )
    )


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
