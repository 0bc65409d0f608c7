"""Trace: the whole life of a row from the records on disk, the ledger of drops, the evidence of contamination."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from megascience.cli.account import asked, chunk_lines, drop_line, evidence, extractions, standard_of
from megascience.cli.row_history import Life
from megascience.stages.order import SELECTING_STAGES, SOURCE_STAGES, STAGES
from megascience.storage.drops import DROPPED
from megascience.storage.errors import InputError
from megascience.storage.layout import ledger_path, results_folder, stage_files
from megascience.storage.parquet import find_rows, read_columns
from megascience.storage.reasons import REASONS
from megascience.storage.text import one_line

#: The stages that keep a ledger of dropped rows.
LEDGERS = tuple(dict.fromkeys((*STAGES, *SOURCE_STAGES, *SELECTING_STAGES, "select", "mixture")))


def trace(results: str | Path, identifier: str, prompts: str | Path = "prompts", render: bool = False) -> str:
    """Return the life of a row, a chunk, or of whatever a ledger names, as text for a terminal.

    A row's life: book, pages and chunk text, or its place in a public source; then for each stage the prompt with
    its hash, the model and its revision, the raw completion and what it changed, up to its release or the drop with
    its reason; the ways of the branches, from where they leave the trunk; selections and datasets that took it.

    Args:
        results: the results folder.
        identifier: a qa_id, a chunk_id, a unit `chunk_id:standard`, a page_id or a book_id.
        prompts: the folder with the prompt files.
        render: show the messages that the model got, too, where the prompt file was not edited since.

    Raises:
        InputError: there is no such folder, or nothing in it bears this id.
    """
    results = results_folder(results)
    origins = [path for stage in ("extract", "import_source") for path in stage_files(results, stage)]
    if rows := find_rows(origins, "qa_id", identifier):
        return "\n\n".join(Life(results, Path(prompts), render, path, row).text() for path, row in rows)
    found = list(_other(results, Path(prompts), render, identifier))
    if not found:
        raise InputError(f"{identifier}: no row, chunk or dropped row of {results} bears this id")
    return "\n".join(found)


def _other(results: Path, prompts: Path, render: bool, identifier: str) -> Iterator[str]:
    chunk_id, _, standard = identifier.partition("#")[0].partition(":")
    for path, chunk in find_rows(stage_files(results, "chunk"), "chunk_id", chunk_id):
        yield from chunk_lines(results, path, chunk)
        kept = results / "extract" / path.parent.name / path.name
        for completion in extractions(kept, chunk_id):
            if standard in ("", standard_of(completion)):
                yield f"== extract, {standard_of(completion)} standard"
                yield from asked("extract", completion, prompts, chunk if render else None)
        pairs = find_rows([kept], "chunk_id", chunk_id)
        yield f"pairs of this chunk: {', '.join(row['qa_id'] for _, row in pairs) or 'none'}"
    for stage in LEDGERS:
        ledgers = [ledger_path(path) for path in stage_files(results, stage)]
        for path, row in find_rows(ledgers, "id", identifier):
            yield f"== {stage}: {path.parent.name}/{path.name.split('.')[0]}"
            yield drop_line(row)


def dropped(results: str | Path, stage: str, reason: str | None = None, limit: int | None = None) -> Iterator[str]:
    """Yield the ledger of a stage as tab-separated lines: id, subset, shard, reason, detail.

    Args:
        reason: only drops for this reason.
        limit: at most so many lines.

    Raises:
        InputError: no such stage or reason, or the stage has no ledger in the results.
    """
    if stage not in LEDGERS:
        raise InputError(f"{stage!r} is no stage; known: {', '.join(LEDGERS)}")
    if reason is not None and reason not in REASONS:
        raise InputError(f"{reason!r} is no reason for a drop; known: {', '.join(REASONS)}")
    ledgers = sorted(Path(results, stage).glob("*/*.dropped.parquet"))
    if not ledgers:
        raise InputError(f"{Path(results, stage)}: no ledger of dropped rows; run the stage first, or mend --results")
    return _ledger_lines(ledgers, reason, limit)


def _ledger_lines(ledgers: Sequence[Path], reason: str | None, limit: int | None) -> Iterator[str]:
    left = limit
    for path in ledgers:
        subset, shard = path.parent.name, path.name.split(".")[0]
        for row in read_columns(path, DROPPED.names).to_pylist():
            if reason in (None, row["reason"]):
                if left == 0:
                    return
                left = None if left is None else left - 1
                yield "\t".join((row["id"], subset, shard, row["reason"], one_line(row["detail"])))


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
            lines += evidence(Path(results), Path(results, "decontaminate", *kept.parts[-2:]), identifier, width)
    if not lines:
        raise InputError(f"{identifier}: no pair of this id was compared with the benchmarks in {Path(results)}")
    return "\n".join(lines)
