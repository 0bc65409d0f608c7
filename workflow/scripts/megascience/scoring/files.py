"""Scoring of whole files: `megascience score FILE`."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from megascience.scoring import score
from megascience.scoring.model import KINDS, PRESETS

_FIELDS = ("completion", "reference", "kind", "options", "unit", "tolerance", "preset")


def score_file(
    path: str | Path,
    out: str | Path | None = None,
    watched: Callable[[Iterable[dict[str, Any]]], Iterable[dict[str, Any]]] = iter,
) -> dict[str, Any]:
    """Score a JSONL or Parquet file of completions.

    Each row has `completion` and `reference`, and may have `kind` (default "auto"), `options`, `unit`, `tolerance`
    and `preset`; other columns are kept. Rows come out with `extracted`, `rule`, `verdict` and `reason`.

    Args:
        path: the file; its suffix decides (.jsonl, .json with one object a line, or .parquet).
        out: where to write the scored rows, in the format of its suffix; None writes nothing.
        watched: goes through the rows and may show how far it is.

    Returns:
        Counts and shares: n, correct, wrong, unreadable, accuracy.

    Raises:
        ValueError: a row lacks a column or has a wrong one; the message names file, row and column.
    """
    path = Path(path)
    rows, counts = [], Counter({"correct": 0, "wrong": 0, "unreadable": 0})
    for number, row in enumerate(watched(_rows(path)), 1):
        arguments = _arguments(row, f"{path}, row {number}")
        result = score(**arguments)
        counts[result.label] += 1
        rows.append(
            {
                **row,
                "extracted": result.extraction.answer,
                "rule": result.extraction.rule,
                "verdict": result.label,
                "reason": result.reason,
            }
        )
    if out is not None:
        _write(Path(out), rows)
    n = len(rows)
    return {"n": n, **dict(sorted(counts.items())), "accuracy": counts["correct"] / n if n else None}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        yield from pq.read_table(path, partitioning=None).to_pylist()
        return
    with open(path, encoding="utf-8") as handle:
        for number, line in enumerate(handle, 1):
            if line.strip():
                try:
                    row = json.loads(line)
                except json.JSONDecodeError as error:
                    raise ValueError(f"{path}, row {number}: no JSON object ({error}); write one a line") from error
                if not isinstance(row, dict):
                    raise ValueError(f"{path}, row {number}: no JSON object; write one a line")
                yield row


def _arguments(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    found = {name: row[name] for name in _FIELDS if row.get(name) is not None}
    for name in ("completion", "reference"):
        if not isinstance(found.get(name), str):
            raise ValueError(f"{where}: column {name!r} is missing or no text; give it as a string")
    found.setdefault("kind", "auto")
    for name, allowed in (("kind", KINDS), ("preset", PRESETS)):
        if name in found and found[name] not in allowed:
            raise ValueError(f"{where}: {name} {found[name]!r} does not exist; use one of {', '.join(allowed)}")
    options = found.get("options")
    if options is not None and not (isinstance(options, list) and all(isinstance(option, str) for option in options)):
        raise ValueError(f"{where}: column 'options' is not a list of texts; give the options' texts in order")
    if not isinstance(found.get("unit", ""), str):
        raise ValueError(f"{where}: column 'unit' is not a text; give it as a string")
    tolerance = found.get("tolerance", 0)
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance < 1:
        raise ValueError(f"{where}: column 'tolerance' is {tolerance!r}; give a share such as 0.02")
    return found


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = list(dict.fromkeys(name for row in rows for name in row))  # rows of JSONL may differ in their keys
        table = pa.table({name: [row.get(name) for row in rows] for name in names})
        pq.write_table(table, temporary, compression="zstd")
    else:
        with open(temporary, "w", encoding="utf-8") as handle:
            handle.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    temporary.replace(path)
