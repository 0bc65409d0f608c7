"""Summary: where a run's results are, what is left after each stage, and three released rows to look at."""

from collections.abc import Iterator
from pathlib import Path

from megascience.cli.terminal import indented
from megascience.stages.order import STAGES
from megascience.storage.errors import InputError
from megascience.storage.layout import Layout
from megascience.storage.parquet import count_rows, open_parquet
from megascience.storage.tables import plain, read_tsv, table_of
from megascience.storage.text import one_line

#: Rows that are shown in full.
SHOWN = 3

_COLUMNS = ("question", "answer", "reference_answer", "subject", "id")


def summary(results: str | Path) -> str:
    """Return the summary of a results folder as text for a terminal.

    What is not there yet is left out; the rows shown are always the same for the same dataset.

    Raises:
        InputError: there is no such folder.
    """
    results = Path(results)
    if not results.is_dir():
        raise InputError(f"{results}: no such folder; run the workflow first, or name its results folder")
    blocks = ["\n".join(_places(results)), *_yield(results)]
    for dataset in sorted(results.glob("dataset/*/train.parquet")):
        blocks += _rows(dataset)
    return "\n\n".join(block for block in blocks if block)


def _places(results: Path) -> Iterator[str]:
    for title, pattern in (
        ("dataset", "dataset/*"),
        ("checkpoint", "train/*/model.json"),
        ("score table", "tables/main.*"),
        ("yield table", "tables/yield*.tsv"),
        ("cost table", "tables/cost.tsv"),
        ("figure", "figures/*.pdf"),
    ):
        for path in sorted(results.glob(pattern)):
            yield f"{title:12} {path.parent if path.name == 'model.json' else path}"


def _yield(results: Path) -> Iterator[str]:
    path = Layout(results).yields()
    if not path.exists():
        return
    counts = ["rows_in", "rows_dropped", "rows_out"]
    totals = read_tsv(path, {"stage": str, **dict.fromkeys(counts, int)}).groupby("stage")[counts].sum()
    rows = totals.loc[[stage for stage in STAGES if stage in totals.index]].itertuples(name=None)
    yield plain(table_of(("stage", "rows in", "dropped", "rows out"), rows))


def _rows(dataset: Path) -> Iterator[str]:
    """Give rows spread evenly over the dataset, in the order of its ids."""
    rows = count_rows(dataset)
    count = min(SHOWN, rows)
    places = [rows * (2 * i + 1) // (2 * count) for i in range(count)]
    yield f"{rows} rows in {dataset}" + (f"; {count} of them:" if count else "")
    for place in places:
        row = _row_at(dataset, place)
        lines = [f"== {row['id']} ({one_line(row['subject'] or 'no subject')})"]
        for name in ("question", "answer", "reference_answer"):
            lines += [f"{name}:", indented(row[name] or "")]
        yield "\n".join(lines)


def _row_at(dataset: Path, place: int) -> dict[str, str | None]:
    with open_parquet(dataset) as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if place < rows:
                return file.read_row_group(group, columns=list(_COLUMNS)).slice(place, 1).to_pylist()[0]
            place -= rows
    raise IndexError(place)
