"""Contamination: the judge's verdicts decide which rows leave, and their record keeps the evidence.

Fail closed: a row stays only if every candidate that was put to the judge was answered with a
readable NO. Candidates under the similarity floor are not put to the judge; the record counts them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from megascience.curation.schemas import CANDIDATES, VERDICTS
from megascience.inference.completions import COMPLETIONS
from megascience.inference.parse import iter_parsed
from megascience.inference.reasons import COMPLETION_REASONS
from megascience.stages.decontaminate import REASONS
from megascience.stages.prompting.prompt import load_prompt
from megascience.storage.drops import Drop, write_dropped
from megascience.storage.errors import InputError
from megascience.storage.parquet import read_records, read_table, write_records, write_table


def decide_shard(
    *,
    records: Sequence[str | Path],
    candidates: str | Path,
    completions: str | Path,
    prompts: Sequence[str | Path],
    kept: str | Path,
    dropped: str | Path,
    verdicts: str | Path,
) -> None:
    """Write a shard's clean rows, the dropped rows, and the verdict on every candidate.

    Args:
        records: Parquet files whose first column is the row's id.
        candidates: `schemas.CANDIDATES` of these rows.
        completions, prompts: the judge's answers to the candidates.
        kept: the rows without contamination, with all columns of the records.

    Raises:
        InputError: a candidate of a row that the records lack, a row without candidates among rows
            that have them, or completions that do not belong to the candidates (see parse.py).
    """
    table = pa.concat_tables([read_table(path).replace_schema_metadata() for path in records])
    ids = table.column(0).cast(pa.string())
    order = ids.to_pylist()
    found = set(read_table(candidates, CANDIDATES)["qa_id"].to_pylist())
    odd = found.difference(order) or (found and set(order) - found)
    if odd:
        raise InputError(
            f"{candidates}: row {min(odd)} is not in both the candidates and {records[0]}; "
            "a row that was not searched must not pass: delete the file and run again"
        )
    said = {(row["id"], row["prompt"]): row for row in read_records(completions, COMPLETIONS)}
    judged: list[dict[str, Any]] = []
    drops: dict[str, Drop] = {}
    parsed = iter_parsed(stage="decontaminate", records=[candidates], completions=completions, prompts=prompts)
    for _, pair, outcome in parsed:
        answer = said.get((pair["pair_id"], pair.get("prompt", "")))
        verdict, drop = _verdict(pair, outcome, answer)
        judged.append(
            {
                **pair,
                "verdict": verdict,
                "rationale": answer["text"].strip() if answer else "",
                "model": answer["model"] if answer else "",
                "revision": answer["revision"] if answer else "",
            }
        )
        if drop is not None:
            former = drops.get(pair["qa_id"])
            # The first reason stands, but a YES outweighs a verdict that could not be read.
            if former is None or (drop.reason == "contaminated" and former.reason != "contaminated"):
                drops[pair["qa_id"]] = drop
    metadata = {
        "stage": "decontaminate",
        "prompt_hash": ",".join(load_prompt(path).hash for path in prompts),
        "model": next((row["model"] for row in said.values()), ""),
        "revision": next((row["revision"] for row in said.values()), ""),
    }
    gone = pa.array(sorted(drops), pa.string())
    write_table(kept, table.filter(pc.invert(pc.is_in(ids, gone))), metadata)
    reasons = {**REASONS, **COMPLETION_REASONS}
    write_dropped(dropped, "decontaminate", ((i, drops[i]) for i in order if i in drops), reasons)
    write_records(verdicts, judged, VERDICTS, metadata)


def _verdict(pair: Mapping[str, Any], outcome: Any, answer: Mapping[str, Any] | None) -> tuple[str, Drop | None]:
    """Return the verdict on a candidate and, unless it clears the row, the drop."""
    where = f"{pair['benchmark']} {pair['item_id']} (similarity {pair['similarity']:.3f})"
    if answer is None:  # iter_parsed raises where an answer is due, so this candidate was not asked about
        if pair["skipped"]:
            return "skipped", None
        return "unreadable", Drop("unreadable", f"{where}: not judged")
    if isinstance(outcome, Drop) and outcome.reason == "contaminated":
        return "yes", Drop("contaminated", where)
    if isinstance(outcome, dict):
        return "no", None
    drop = outcome if isinstance(outcome, Drop) else Drop("unreadable")
    return "unreadable", Drop(drop.reason, f"{where}: {drop.detail}")
