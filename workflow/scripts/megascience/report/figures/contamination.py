"""Contamination: how many rows of each dataset were found to be items of which benchmark."""

from collections.abc import Collection, Sequence
from pathlib import Path

from megascience.report.figures.style import COLOURS, WIDTH, canvas, title_of
from megascience.storage.layout import pool_of
from megascience.storage.tables import read_tsv


def contaminated(table: str | Path, benchmarks: Sequence[str], sources: Collection[str]) -> dict[str, dict[str, int]]:
    """Return dataset -> benchmark -> contaminated rows, disciplines added up, from `contamination.tsv`.

    Args:
        benchmarks: all that were searched, in the order of the result.
        sources: the public sources; other subsets are disciplines.
    """
    rows = read_tsv(table, {"discipline": str, "benchmark": str, "rows_contaminated": int})
    rows = rows[rows["benchmark"].isin(benchmarks)]
    dataset = rows["discipline"].map(lambda subset: pool_of(subset, sources))
    counts = rows.groupby([dataset, "benchmark"])["rows_contaminated"].sum().unstack(fill_value=0)
    counts = counts.reindex(columns=list(benchmarks), fill_value=0)
    found = {str(name): dict(zip(benchmarks, row)) for name, *row in counts.itertuples()}
    return dict(sorted(found.items(), key=lambda item: (item[0] in sources, item[0])))


def contamination_figure(
    table: str | Path,
    benchmarks: Sequence[str],
    sources: Collection[str],
    outputs: Sequence[str | Path],
) -> None:
    """Draw the contaminated rows by benchmark, one panel a dataset.

    Args:
        table: `contamination.tsv`.
        outputs: .pdf and .png files.

    The other arguments are those of `contaminated`.
    """
    found = contaminated(table, benchmarks, sources)
    wide = max(1, len(found))
    size = (WIDTH * min(1, 0.35 + 0.3 * wide), 0.7 + 0.17 * len(benchmarks))
    with canvas(outputs, ncols=wide, figsize=size, sharey=True, squeeze=False) as (figure, axes):
        for axis, (name, counts) in zip(axes.flat, found.items()):
            places = range(len(benchmarks))
            axis.barh(places, list(counts.values()), height=0.7, color=COLOURS[0], linewidth=0)
            top = max(counts.values(), default=0) or 1
            for place, count in zip(places, counts.values()):
                axis.text(count + 0.03 * top, place, f"{count:,}", va="center", ha="left", fontsize=6.5)
            axis.set_xlim(0, 1.3 * top)
            axis.locator_params(axis="x", nbins=3, integer=True)
            axis.xaxis.set_major_formatter("{x:,.0f}")
            axis.set_title(title_of(name), loc="left", fontweight="bold")
            axis.set_yticks(places, benchmarks)
            axis.set_ylim(len(benchmarks) - 0.4, -0.6)
            axis.tick_params(axis="y", length=0)
        figure.supxlabel("rows that are an item of the benchmark in disguise", fontsize=8)
