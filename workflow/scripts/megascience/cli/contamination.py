"""Contamination: the evidence for or against it, a pair's question beside each near benchmark item."""

from collections.abc import Iterator
from pathlib import Path

from megascience.cli.terminal import indented, side_by_side
from megascience.storage.errors import InputError
from megascience.storage.layout import at_stage, results_folder, stage_files, verdicts_path
from megascience.storage.parquet import find_rows
from megascience.storage.text import one_line


def contamination(results: str | Path, identifier: str, width: int = 120) -> str:
    """Return the evidence for or against contamination of a pair: its question beside each near benchmark item.

    Args:
        identifier: a qa_id.
        width: of the terminal, in characters.

    Raises:
        InputError: there is no such folder, or the pair was never compared with the benchmarks.
    """
    lines: list[str] = []
    for kept in stage_files(results_folder(results), "search"):
        if find_rows([kept], "qa_id", identifier):
            lines += evidence(at_stage(kept, "decontaminate"), identifier, width)
    if not lines:
        raise InputError(f"{identifier}: no pair of this id was compared with the benchmarks in {Path(results)}")
    return "\n".join(lines)


def evidence(kept: Path, identifier: str, width: int | None = None) -> Iterator[str]:
    """Give each candidate of a pair with its verdict, and with both texts side by side where a width is given."""
    verdicts = {
        (row["benchmark"], row["item_id"]): row for _, row in find_rows([verdicts_path(kept)], "qa_id", identifier)
    }
    candidates = [row for _, row in find_rows([at_stage(kept, "search")], "qa_id", identifier)]
    if not candidates:
        yield "no benchmark item was near"
    for row in sorted(candidates, key=lambda row: (-row["similarity"], row["benchmark"], row["item_id"])):
        verdict = verdicts.get((row["benchmark"], row["item_id"]))
        said = verdict["verdict"] if verdict else "not judged"
        near = f"similarity {row['similarity']:.4f}, n-gram overlap {row['ngram_overlap']:.4f}"
        yield one_line(f"{row['benchmark']} {row['item_id']}: {said} ({near})")
        if width is not None:
            yield side_by_side(f"QUESTION\n{row['question']}", f"ITEM\n{row['item_question']}", width)
            if verdict and verdict["model"]:  # none where the search left it out
                yield one_line(f"judged by {verdict['model']}, revision {verdict['revision']}:")
                yield indented(verdict["rationale"] or "(no rationale)")
            yield ""
