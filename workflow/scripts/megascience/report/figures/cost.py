"""Cost: tokens and hours of each stage that asks a model."""

from collections.abc import Sequence
from pathlib import Path

from megascience.report.figures.style import COLOURS, WIDTH, canvas, title_of
from megascience.storage.tables import read_tsv

_NUMBERS = ("prompt_tokens", "completion_tokens", "gpu_hours", "wall_hours", "startup_hours")


def cost_by_stage(table: str | Path) -> dict[str, dict[str, float]]:
    """Return stage -> tokens and hours over all models, in the order of `cost.tsv`, without its last row."""
    rows = read_tsv(table, {"stage": str, **dict.fromkeys(_NUMBERS, float)})
    stages = rows[rows["stage"] != "all"].groupby("stage", sort=False)
    return {str(stage): dict(zip(_NUMBERS, total)) for stage, *total in stages[list(_NUMBERS)].sum().itertuples()}


def cost_figure(table: str | Path, outputs: Sequence[str | Path]) -> None:
    """Draw each stage's tokens, of prompts and of completions, and its hours.

    The hours are those of the GPUs; where no job had one, those of the jobs, one after the other.

    Args:
        table: `cost.tsv`.
        outputs: .pdf and .png files.
    """
    stages = cost_by_stage(table)
    places = range(len(stages))
    gpus = any(cost["gpu_hours"] for cost in stages.values())
    with canvas(outputs, ncols=2, figsize=(WIDTH, 1.2 + 0.2 * len(stages)), sharey=True) as (figure, (left, right)):
        asked = [cost["prompt_tokens"] / 1e6 for cost in stages.values()]
        answered = [cost["completion_tokens"] / 1e6 for cost in stages.values()]
        bar = {"height": 0.7, "edgecolor": "black", "linewidth": 0.4}
        left.barh(places, asked, **bar, color="#d9d9d9", label="prompts")
        left.barh(places, answered, left=asked, **bar, color=COLOURS[0], hatch="////", label="completions")
        left.set_xlabel("million tokens")
        hours = [c["gpu_hours"] if gpus else c["wall_hours"] + c["startup_hours"] for c in stages.values()]
        right.barh(places, hours, **bar, color="#8c8c8c")
        right.set_xlabel("GPU-hours" if gpus else "hours of the jobs, start-up included")
        left.set_yticks(places, [title_of(stage) for stage in stages])
        left.set_ylim(len(stages) - 0.4, -0.6)
        for axis in (left, right):
            axis.tick_params(axis="y", length=0)
            axis.locator_params(axis="x", nbins=4)
            axis.xaxis.set_major_formatter("{x:,g}")
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=2)
