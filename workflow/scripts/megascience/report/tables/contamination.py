"""Contamination: the judge's verdicts, counted by discipline or source and benchmark."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from megascience.storage.parquet import read_columns
from megascience.storage.tables import table_of

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = ("yes", "no", "unreadable", "skipped")

_COLUMNS = ("discipline", "benchmark", "rows", "rows_contaminated", "candidates", *VERDICTS)

#: In the place of a benchmark: all of them.
_ALL = "all"


def contamination_table(verdicts: Mapping[str, Sequence[str | Path]]) -> "pd.DataFrame":
    """Return the count of verdicts by discipline (or source) and benchmark.

    One shard is in memory at a time, without the judge's words; all candidates of a row lie in its shard.

    Args:
        verdicts: discipline → its shards' verdict files.

    Returns:
        one row a discipline and benchmark, and one a discipline over all benchmarks ("all"): the
        rows that have a candidate there, those found contaminated, and the candidates by verdict.
    """
    rows = []
    for discipline in sorted(verdicts):
        counts: dict[str, Counter[str]] = {_ALL: Counter()}
        for path in verdicts[discipline]:
            for benchmark, count in _count_shard(path).items():
                counts.setdefault(benchmark, Counter()).update(count)
        whole = counts.pop(_ALL)
        for benchmark, count in [*sorted(counts.items()), (_ALL, whole)]:
            rows.append([discipline, benchmark, *(count[name] for name in _COLUMNS[2:])])
    return table_of(_COLUMNS, rows)


def _count_shard(path: str | Path) -> dict[str, Counter[str]]:
    """Return benchmark (and "all") -> the columns' counts of one shard."""
    judged = read_columns(path, ("qa_id", "benchmark", "verdict"))
    benchmarks = pc.unique(judged["benchmark"]).to_pylist()
    parts = {name: judged.filter(pc.equal(judged["benchmark"], name)) for name in benchmarks}
    counts = {}
    for benchmark, part in {**parts, _ALL: judged}.items():
        guilty = part.filter(pc.equal(part["verdict"], "yes"))
        by_verdict = {row["values"]: row["counts"] for row in pc.value_counts(part["verdict"]).to_pylist()}
        counts[benchmark] = Counter(
            rows=pc.count_distinct(part["qa_id"]).as_py(),
            rows_contaminated=pc.count_distinct(guilty["qa_id"]).as_py(),
            candidates=len(part),
            **by_verdict,
        )
    return counts
