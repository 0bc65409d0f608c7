"""Commands about a run: what it made, what failed, what is still to do, what its journals hold; and the scorer."""

from pathlib import Path
from typing import Annotated, Any

import typer

from megascience.cli.options import Configs, MoreConfigs, PlannedResults, Results, plan_of, results_of

journal = typer.Typer(name="journal", help="The journals of the model stages.", no_args_is_help=True)


def summary(
    results: Annotated[Path | None, typer.Argument(help="Results folder (default: the one below this folder).")] = None,
) -> None:
    """Where the results are, the yield in brief, and three released rows."""
    from megascience.cli.summary import summary
    from megascience.cli.terminal import show

    show(summary(results_of(results)))


def failed(
    log: Annotated[Path | None, typer.Argument(help="A log of .snakemake/log (default: the latest one).")] = None,
) -> None:
    """The jobs that failed in the latest run, and where their logs end."""
    from megascience.cli.failed_jobs import describe, latest_log
    from megascience.cli.terminal import show

    for line in describe(log or latest_log()):
        show(line)


def _throughput(text: str) -> tuple[str, dict[str, float]]:
    model, sign, numbers = text.rpartition("=")
    speed, _, gpus = numbers.partition(":")
    try:
        given = {"tokens_per_second": float(speed), "gpus": float(gpus or 0)}
    except ValueError:
        given = {"tokens_per_second": 0.0, "gpus": 0.0}
    if not sign or not model or not 0 < given["tokens_per_second"] < 1e9 or not 0 <= given["gpus"] < 1e6:
        raise typer.BadParameter(f"{text!r} is not MODEL=TOKENS_PER_SECOND[:GPUS]")
    return model, given


def forecast(
    throughput: Annotated[
        list[Any] | None,
        typer.Option(
            parser=_throughput,
            metavar="MODEL=TOKENS_PER_SECOND[:GPUS]",
            help="Of one job, prompt and completion together; used where nothing was measured; several.",
        ),
    ] = None,
    configfile: Configs = None,
    more: MoreConfigs = None,
    results: PlannedResults = None,
) -> None:
    """Requests, tokens, GPU-hours and money for what is still to do."""
    from megascience.cli.forecast import forecast
    from megascience.cli.terminal import show_table

    plan, folder = plan_of(configfile, more, results)
    speeds = dict(throughput or [])
    for model in speeds:
        if model not in plan.config.models:
            raise ValueError(f"--throughput: there is no model {model!r}; known: {', '.join(plan.config.models)}")
    show_table(forecast(plan.needed, folder, speeds))


@journal.command()
def stats(results: Results = None) -> None:
    """Completions and size by stage."""
    from megascience.cli.journals import journal_stats
    from megascience.cli.terminal import show_table

    show_table(journal_stats(results_of(results)))


@journal.command()
def gc(configfile: Configs = None, more: MoreConfigs = None, results: PlannedResults = None) -> None:
    """Drop completions that no record calls for any more."""
    from megascience.cli.journals import collect_garbage

    plan, folder = plan_of(configfile, more, results)
    dropped = list(collect_garbage(plan, folder))
    for path, gone in dropped:
        if gone:
            print(f"{path}: {gone} completions dropped")
    print(f"{sum(gone for _, gone in dropped)} completions dropped of {len(dropped)} journals")


def score(
    file: Annotated[Path, typer.Argument(help="JSONL or Parquet with the columns completion and reference.")],
    out: Annotated[
        Path | None, typer.Option(help="Write the rows with extracted answer, verdict and reason to this file.")
    ] = None,
) -> None:
    """Score the completions of a JSONL or Parquet file."""
    import json

    from megascience.cli.terminal import progress
    from megascience.scoring.files import score_file

    print(json.dumps(score_file(file, out, progress("scoring")), indent=2))
