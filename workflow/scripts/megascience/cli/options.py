"""What several commands ask for: the results folder, the configuration; and what a shell completes."""

from pathlib import Path
from typing import Annotated, Any

import typer

Results = Annotated[Path | None, typer.Option("--results", help="Results folder (default: the one below this folder).")]
PlannedResults = Annotated[
    Path | None, typer.Option("--results", help="Results folder (default: the one of the configuration).")
]
Configs = Annotated[
    list[Path] | None,
    typer.Option(
        "--configfile",
        metavar="FILE",
        help="Overrides of config/config.yaml, as for snakemake, such as config/demo.yaml; several.",
    ),
]
#: As for snakemake, several files may follow one --configfile.
MoreConfigs = Annotated[list[Path] | None, typer.Argument(metavar="FILE", hidden=True)]


def results_of(given: Path | None) -> Path:
    """Return the results folder: the given one, else the only one below the working folder that holds results.

    Raises:
        InputError: there are several, or the given one is not there.
    """
    from megascience.stages.order import SOURCE_STAGES, STAGES
    from megascience.storage.errors import InputError
    from megascience.storage.layout import results_folder

    if given is not None:
        return results_folder(given)
    made = ("dataset", "journal", *STAGES, *SOURCE_STAGES)
    near = [Path("results"), *sorted(path for path in Path("results").glob("*") if path.is_dir())]
    found = [path for path in near if any((path / stage).is_dir() for stage in made)]
    if len(found) > 1:
        raise InputError(f"several results folders are here: {', '.join(map(str, found))}; name one with --results")
    return results_folder(found[0] if found else "results")


def plan_of(configs: list[Path] | None, more: list[Path] | None, results: Path | None) -> tuple[Any, Path]:
    """Return the checked plan of a configuration, and its results folder where none is given.

    Raises:
        InputError: one line a fault of the configuration.
    """
    from megascience.planning.checks import check
    from megascience.planning.config.read import read_config
    from megascience.planning.plan import Plan
    from megascience.storage.shipped import find_file

    plan = Plan(read_config([find_file("config/config.yaml"), *(configs or []), *(more or [])]))
    check(plan)
    return plan, results or Path(plan.config.pathvars.results)


def complete_stage(incomplete: str) -> list[str]:
    """Return the stages that keep dropped rows, as far as they begin so."""
    from megascience.stages.order import DROPPING_STAGES

    return [stage for stage in DROPPING_STAGES if stage.startswith(incomplete)]


def complete_reason(incomplete: str) -> list[str]:
    """Return the reasons for a drop, as far as they begin so."""
    from megascience.cli.reasons import all_reasons

    return [reason for reason in all_reasons() if reason.startswith(incomplete)]
