"""What is left of the extracted pairs after each stage."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from megascience.report.figures.style import WIDTH, canvas, title_of
from megascience.storage.tables import read_tsv

#: Stage -> what is left after it, as the yield figure names it.
_LEFT_AFTER = {
    "extract": "extracted",
    "dedup": "deduplicated",
    "refine": "refined",
    "judge_cot": "reasoning judged",
    "distill_cot": "reasoning added",
    "filter": "filtered",
    "decontaminate": "decontaminated",
    "reference": "with reference",
}


def yield_figure(table: str | Path, outputs: Sequence[str | Path]) -> None:
    """Draw what is left of the extracted pairs after each stage: one panel a discipline, one for all.

    Args:
        table: `yield.tsv`.
        outputs: .pdf and .png files.
    """
    left = left_by_discipline(table)
    stages = list(left["all disciplines"])
    panels = list(left)
    wide = min(4, max(1, len(panels)))
    high = -(-len(panels) // wide)
    size = (WIDTH, 0.6 + high * (0.35 + 0.17 * len(stages)))
    with canvas(outputs, nrows=high, ncols=wide, figsize=size, sharex=True, sharey=True, squeeze=False) as (
        figure,
        axes,
    ):
        for axis, panel in zip(axes.flat, panels):
            _yield_panel(axis, title_of(panel), stages, list(left[panel].values()))
        for axis in axes.flat[len(panels) :]:
            axis.set_visible(False)
        figure.supxlabel("share of the extracted pairs, %  (numbers: pairs left)", fontsize=8)
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=2)


def left_by_discipline(table: str | Path) -> dict[str, dict[str, int]]:
    """Return discipline, and last "all disciplines", -> stage -> pairs left after it, from `yield.tsv`."""
    rows = read_tsv(table, {"stage": str, "discipline": str, "rows_out": int})
    rows = rows[rows["stage"].isin(_LEFT_AFTER)]
    left = rows.groupby(["discipline", "stage"])["rows_out"].sum().unstack(fill_value=0)[rows["stage"].unique()]
    left.loc["all disciplines"] = left.sum()
    return {str(name): {str(stage): int(n) for stage, n in row.items()} for name, row in left.iterrows()}


def _yield_panel(axis: Any, title: str, stages: Sequence[str], counts: Sequence[int]) -> None:
    base = max(counts[0], 1)
    shares = [100 * count / base for count in counts]
    before = [shares[0], *shares[:-1]]
    places = range(len(stages))
    axis.barh(places, shares, height=0.72, color="#5b7f9e", linewidth=0, label="left")
    lost = [was - is_ for was, is_ in zip(before, shares)]
    hatched = {"color": "white", "edgecolor": "#8a8a8a", "hatch": "//////", "linewidth": 0.4}
    axis.barh(places, lost, left=shares, height=0.72, label="dropped by the stage", **hatched)
    for place, count, was in zip(places, counts, before):
        axis.text(max(was, 0) + 3, place, f"{count:,}", va="center", ha="left", fontsize=6.5)
    axis.set_yticks(places, [_LEFT_AFTER[stage] for stage in stages])
    axis.set_ylim(len(stages) - 0.4, -0.6)
    axis.set_xlim(0, 135)
    axis.set_xticks([0, 50, 100])
    axis.tick_params(axis="y", length=0)
    axis.set_title(title, loc="left", fontweight="bold")
