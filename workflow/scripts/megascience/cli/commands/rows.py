"""Commands about one row: its history, its drop, its evidence of contamination, its difficulty."""

from pathlib import Path
from typing import Annotated

import typer

from megascience.cli.options import Results, complete_reason, complete_stage, results_of

Row = Annotated[str, typer.Argument(metavar="ID", help="A row's id.")]


def trace(
    identifier: Annotated[
        str,
        typer.Argument(metavar="ID", help="A row's id, a chunk's, a page's, a book's, or one that `dropped` names."),
    ],
    prompts: Annotated[Path, typer.Option(help="Folder of the prompt files.")] = Path("prompts"),
    render: Annotated[bool, typer.Option("--render", help="Show the messages that the models got, too.")] = False,
    results: Results = None,
) -> None:
    """The whole history of a row: book, pages, chunk, prompts, completions, changes."""
    from megascience.cli.terminal import show
    from megascience.cli.trace import trace

    show(trace(results_of(results), identifier, prompts, render))


def dropped(
    stage: Annotated[
        str, typer.Argument(metavar="STAGE", autocompletion=complete_stage, help="A stage, such as filter.")
    ],
    reason: Annotated[
        str | None, typer.Option(autocompletion=complete_reason, help="Only drops for this reason.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, help="At most so many lines.")] = None,
    results: Results = None,
) -> None:
    """What a stage dropped, and why: id, subset, shard, reason, detail, separated by tabs."""
    from megascience.cli.dropped import dropped

    for line in dropped(results_of(results), stage, reason, limit):
        print(line)


def contamination(identifier: Row, results: Results = None) -> None:
    """A row beside the benchmark items that it was compared with."""
    from megascience.cli.contamination import contamination
    from megascience.cli.terminal import show, width

    show(contamination(results_of(results), identifier, width()))


def difficulty(identifier: Row, results: Results = None) -> None:
    """A question's sampled answers, each with its score; their mean and spread."""
    from megascience.cli.difficulty import difficulty
    from megascience.cli.terminal import show

    show(difficulty(results_of(results), identifier))
