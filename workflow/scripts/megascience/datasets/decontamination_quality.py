"""Quality of decontamination, as the benchmarks measured it on the gold set, for the dataset card.

`workflow/gold/measured.json` holds what `benchmarks/decontaminate_retrieval.py` and
`benchmarks/decontaminate_judge.py` found, one entry a model. Nothing here is a figure of its own: a model
that was not measured has none, and the card says so.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from megascience.storage.errors import InputError
from megascience.storage.files import write_json
from megascience.storage.tables import markdown, table_of

if TYPE_CHECKING:
    import pandas as pd

#: What identifies an entry, by its part of the file.
KEYS = {"retrieval": ("model", "revision"), "judge": ("model", "revision", "prompt_hash")}


class Used(NamedTuple):
    """Who decontaminated a dataset: `KEYS` of the embedding model and of the judge; None: unknown."""

    retrieval: tuple[str, ...] | None = None
    judge: tuple[str, ...] | None = None


def read_measured(path: str | Path) -> dict[str, list[dict[str, Any]]]:
    """Return the entries of each part.

    Raises:
        InputError: the file is not what `record_measured` writes.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        for part, keys in KEYS.items():
            for entry in found[part]:
                [entry[key] for key in (*keys, "rows")]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read as measured quality ({error!r}); restore it from git") from error
    return found


def record_measured(path: str | Path, part: str, entry: Mapping[str, Any]) -> None:
    """Put an entry into its part of the file in place of an earlier one of the same `KEYS`, sorted by them."""
    found = read_measured(path) if Path(path).exists() else {part: [] for part in KEYS}

    def identity(entry: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(entry[key] for key in KEYS[part])

    others = [other for other in found[part] if identity(other) != identity(entry)]
    found[part] = sorted([*others, dict(entry)], key=identity)
    write_json(path, found)


def quality_section(path: str | Path, used: Used) -> list[str]:
    """Return the card's section on the quality of decontamination as Markdown paragraphs."""
    found = read_measured(path)
    parts = ["## Quality of the decontamination\n"]
    retrieval = _entry(found["retrieval"], KEYS["retrieval"], used.retrieval)
    if retrieval is None:
        parts.append(_unmeasured("retrieval", used.retrieval, "benchmarks/decontaminate_retrieval.py"))
    else:
        parts += [
            f"Of {sum(row['pairs'] for row in retrieval['rows'])} labelled pairs in seven disciplines, how many have "
            f"their benchmark item among the {retrieval['k']} candidates (recall@{retrieval['k']}), searched in an "
            f"index of {retrieval['items']:,} items with {retrieval['model']}:\n",
            markdown(_retrieval_table(retrieval["rows"])),
        ]
    judge = _entry(found["judge"], KEYS["judge"], used.judge)
    if judge is None:
        parts.append(_unmeasured("judge", used.judge, "benchmarks/decontaminate_judge.py"))
    else:
        parts += [
            f"What the judge {judge['model']} said about these pairs. A row is dropped unless the verdict is NO: "
            f"{_precision(judge['precision'])} and its recall {judge['recall']:.3f}.\n",
            markdown(_judge_table(judge["rows"])),
        ]
    return parts


def _precision(value: float | None) -> str:
    if value is None:
        return "it dropped none, so that its precision is not defined,"
    return f"its precision is {value:.3f}"


def _entry(
    entries: Sequence[Mapping[str, Any]], keys: Sequence[str], wanted: Sequence[str] | None
) -> Mapping[str, Any] | None:
    return next((e for e in entries if wanted is not None and [e[key] for key in keys] == list(wanted)), None)


def _unmeasured(part: str, wanted: Sequence[str] | None, script: str) -> str:
    name = wanted[0] if wanted else "the model of this dataset"
    return f"The {part} of {name} was not measured; `{script}` does it.\n"


def _retrieval_table(rows: Sequence[Mapping[str, Any]]) -> "pd.DataFrame":
    columns = ("relation", "contaminated", "pairs", "embedding", "n-grams", "both")
    return table_of(columns, [[_shown(row[name]) for name in columns] for row in rows], dict.fromkeys(columns[3:], 3))


def _judge_table(rows: Sequence[Mapping[str, Any]]) -> "pd.DataFrame":
    columns = ("relation", "contaminated", "pairs", "yes", "no", "unreadable")
    return table_of(columns, [[_shown(row[name]) for name in columns] for row in rows])


def _shown(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.replace("_", " ") if isinstance(value, str) else value
