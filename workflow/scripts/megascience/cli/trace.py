"""Trace: the whole history of a row, a chunk, or of whatever was dropped, from the records on disk."""

from collections.abc import Iterator
from pathlib import Path

from megascience.cli.dropped import drop_line
from megascience.cli.row_history import RowHistory, asked, chunk_lines, extractions, standard_of
from megascience.stages.order import DROPPING_STAGES
from megascience.storage.errors import InputError
from megascience.storage.layout import at_stage, dropped_path, results_folder, stage_files
from megascience.storage.parquet import find_rows


def trace(results: str | Path, identifier: str, prompts: str | Path = "prompts", render: bool = False) -> str:
    """Return the history of a row, a chunk, or of whatever was dropped, as text for a terminal.

    A row's history: book, pages and chunk text, or its place in a public source; then for each stage the prompt with
    its hash, the model and its revision, the raw completion and what it changed, up to its release or the drop with
    its reason; the ways of the branches, from where they leave the trunk; selections and datasets that took it.

    Args:
        results: the results folder.
        identifier: a qa_id, a chunk_id, a unit `chunk_id:standard`, a page_id or a book_id.
        prompts: the folder with the prompt files.
        render: show the messages that the model got, too, where the prompt file was not edited since.

    Raises:
        InputError: there is no such folder, or nothing in it has this id.
    """
    results = results_folder(results)
    origins = [path for stage in ("extract", "import_source") for path in stage_files(results, stage)]
    if rows := find_rows(origins, "qa_id", identifier):
        return "\n\n".join(RowHistory(results, Path(prompts), render, path, row).text() for path, row in rows)
    found = list(_other(results, Path(prompts), render, identifier))
    if not found:
        raise InputError(f"{identifier}: no row, chunk or dropped row of {results} has this id")
    return "\n".join(found)


def _other(results: Path, prompts: Path, render: bool, identifier: str) -> Iterator[str]:
    chunk_id, _, standard = identifier.partition("#")[0].partition(":")
    for path, chunk in find_rows(stage_files(results, "chunk"), "chunk_id", chunk_id):
        yield from chunk_lines(results, path, chunk)
        kept = at_stage(path, "extract")
        for completion in extractions(kept, chunk_id):
            if standard in ("", standard_of(completion)):
                yield f"== extract, {standard_of(completion)} standard"
                yield from asked("extract", completion, prompts, chunk if render else None)
        pairs = find_rows([kept], "chunk_id", chunk_id)
        yield f"pairs of this chunk: {', '.join(row['qa_id'] for _, row in pairs) or 'none'}"
    for stage in DROPPING_STAGES:
        dropped = [dropped_path(path) for path in stage_files(results, stage)]
        for path, row in find_rows(dropped, "id", identifier):
            yield f"== {stage}: {path.parent.name}/{path.name.split('.')[0]}"
            yield drop_line(row)
