"""Trace: the whole life of a row from the records on disk, the ledger of drops, the evidence of contamination."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from .layout import STAGES, completions_path, ledger_path, read_columns, shard_of_path, stage_files
from .lookup import find_rows
from .prompts import Prompt, load_prompt
from .records import DROPPED, REASONS, InputError
from .stages import get_stage
from .terminal import changes, indented, one_line, side_by_side

#: The stages whose rows are pairs.
PAIR_STAGES = STAGES[STAGES.index("extract") :]

#: The columns of a pair that a stage may change.
_CHANGING = ("question", "answer", "has_reasoning", "reference_answer")


def trace(results: str | Path, identifier: str, prompts: str | Path = "prompts", render: bool = False) -> str:
    """Return the life of a pair, a chunk, or of whatever a ledger names, as text for a terminal.

    A pair's life: book, pages, chunk text, then for each stage the prompt with its hash, the model and its
    revision, the raw completion and what it changed, up to its release or the drop with its reason.

    Args:
        results: the results folder.
        identifier: a qa_id, a chunk_id, a unit `chunk_id:standard`, a page_id or a book_id.
        prompts: the folder with the prompt files.
        render: show the messages that the model got, too, where the prompt file was not edited since.

    Raises:
        InputError: nothing in the results bears this id.
    """
    results = Path(results)
    if not results.is_dir():
        raise InputError(f"{results}: no such folder; name the results folder with --results")
    pairs = find_rows(stage_files(results, "extract"), "qa_id", identifier)
    if pairs:
        lives = [_Life(results, Path(prompts), render, path, row).text() for path, row in pairs]
        return "\n\n".join(lives)
    found = list(_other(results, Path(prompts), render, identifier))
    if not found:
        raise InputError(f"{identifier}: no pair, chunk or dropped row of {results} bears this id")
    return "\n".join(found)


def _other(results: Path, prompts: Path, render: bool, identifier: str) -> Iterator[str]:
    chunk_id, _, standard = identifier.partition("#")[0].partition(":")
    for path, chunk in find_rows(stage_files(results, "chunk"), "chunk_id", chunk_id):
        yield from _chunk_lines(results, path, chunk)
        kept = results / "extract" / path.parent.name / path.name
        for completion in _extractions(kept, chunk_id):
            if standard in ("", standard_of(completion)):
                yield f"== extract, {standard_of(completion)} standard"
                yield from _asked("extract", completion, prompts, chunk if render else None)
        pairs = find_rows([kept], "chunk_id", chunk_id)
        yield f"pairs of this chunk: {', '.join(row['qa_id'] for _, row in pairs) or 'none'}"
    for stage in STAGES:
        ledgers = [ledger_path(path) for path in stage_files(results, stage)]
        for path, row in find_rows(ledgers, "id", identifier):
            yield f"== {stage}: {'/'.join(shard_of_path(path)[1:])}"
            yield _drop_line(row)


def _extractions(kept: Path, chunk_id: str) -> list[dict[str, Any]]:
    return [row for _, row in find_rows([completions_path(kept)], "id", chunk_id)]


def standard_of(completion: dict[str, Any]) -> str:
    """Return the standard of an extraction's completion: the end of its prompt's name, as in physics_high."""
    return completion["prompt"].rpartition("_")[2]


@dataclass
class _Life:
    """The life of one pair in one shard."""

    results: Path
    prompts: Path
    render: bool
    extracted_in: Path
    pair: dict[str, Any]

    def file(self, stage: str) -> Path:
        return self.results / stage / self.extracted_in.parent.name / self.extracted_in.name

    @cached_property
    def stages(self) -> list[str]:
        """The stages that this shard went through so far."""
        return [stage for stage in PAIR_STAGES if self.file(stage).exists()]

    def row(self, stage: str) -> dict[str, Any] | None:
        rows = find_rows([self.file(stage)], "qa_id", self.pair["qa_id"])
        return rows[0][1] if rows else None

    def drop(self, stage: str) -> dict[str, Any] | None:
        rows = find_rows([ledger_path(self.file(stage))], "id", self.pair["qa_id"])
        return rows[0][1] if rows else None

    def text(self) -> str:
        body: list[str] = []
        before, end = None, "still on its way"
        for stage in self.stages:
            body += ["", f"== {stage}", *self._judged(stage, before)]
            after = self.row(stage)
            if after is None:
                dropped = self.drop(stage)
                end = f"dropped by {stage}" if dropped else f"lost by {stage}: neither kept nor dropped"
                body.append(_drop_line(dropped) if dropped else end)
                break
            body += _changed(before, after)
            before = after
        else:
            if self.stages[-1] == STAGES[-1]:
                end = "released"
        place = "/".join(shard_of_path(self.extracted_in)[1:])
        head = [f"pair {self.pair['qa_id']} ({place}, {self.pair['standard']} standard): {end}"]
        return "\n".join([*head, *self._source(), *body])

    def _source(self) -> Iterator[str]:
        yield from _chunk_lines(self.results, self.file("chunk"), self.chunk)

    @cached_property
    def chunk(self) -> dict[str, Any]:
        rows = find_rows([self.file("chunk")], "chunk_id", self.pair["chunk_id"])
        if not rows:
            raise InputError(
                f"{self.file('chunk')}: chunk {self.pair['chunk_id']} is not there; run the workflow again"
            )
        return rows[0][1]

    def _judged(self, stage: str, before: dict[str, Any] | None) -> Iterator[str]:
        """Give what a stage made its decision from; `before` is the row that it got."""
        file = self.file(stage)
        if stage == "dedup":
            yield from self._copies()
            return
        if stage == "decontaminate":
            yield from _evidence(self.results, file, self.pair["qa_id"])
            return
        if stage == "extract":
            completions = _extractions(file, self.pair["chunk_id"])
            completions = [row for row in completions if standard_of(row) == self.pair["standard"]]
        else:
            completions = [row for _, row in find_rows([completions_path(file)], "id", self.pair["qa_id"])]
        if not completions:
            there = completions_path(file).exists()
            yield "the model was not asked: the row passed through" if there else "its completions are not on disk"
        record = {**(before or self.chunk), "chunk_text": self.chunk["text"]}
        for completion in completions:
            yield from _asked(stage, completion, self.prompts, record if self.render else None)

    def _copies(self) -> Iterator[str]:
        """Give the near duplicates that were left out in favour of this pair."""
        for path in stage_files(self.results, "dedup"):
            ledger = ledger_path(path)
            if ledger.exists():
                table = read_columns(ledger, ["id", "detail"])
                mine = pc.starts_with(table.column("detail"), f"{self.pair['qa_id']} ")
                for row in table.filter(mine).to_pylist():
                    yield f"preferred to {row['id']} ({'/'.join(shard_of_path(path)[1:])}; {one_line(row['detail'])})"


def _chunk_lines(results: Path, path: Path, chunk: dict[str, Any]) -> Iterator[str]:
    yield from _book_lines(results, chunk)
    yield f"chunk {chunk['chunk_id']}: {chunk['n_tokens']} tokens, {'/'.join(shard_of_path(path)[1:])}"
    yield indented(chunk["text"])


def _book_lines(results: Path, chunk: dict[str, Any]) -> Iterator[str]:
    titles = find_rows(sorted(results.glob("dataset/*/provenance.parquet")), "book_id", chunk["book_id"])
    title = f" “{one_line(titles[0][1]['title'])}”" if titles else ""
    yield f"book {chunk['book_id']}{title}, pages {chunk['page_first']} to {chunk['page_last']}"
    pages = find_rows(stage_files(results, "digitize"), "book_id", chunk["book_id"])
    readers = {
        f"{page['engine']} {page['engine_version']}"
        for _, page in pages
        if chunk["page_first"] <= page["page"] <= chunk["page_last"]
    }
    if readers:
        yield f"read by {one_line(', '.join(sorted(readers)))}"


def _asked(stage: str, completion: dict[str, Any], prompts: Path, record: dict[str, Any] | None) -> Iterator[str]:
    """Give prompt, model and raw completion; with a record also the messages that the model got."""
    prompt = _prompt_of(completion, prompts)
    where = prompt.path if prompt else f"{completion['prompt']}, which is not in {prompts} as it was then"
    yield f"prompt {where}, hash {completion['prompt_hash']}"
    yield one_line(f"model {completion['model']}, revision {completion['revision']}")
    tokens = f"{completion['prompt_tokens']} prompt tokens, {completion['completion_tokens']} answer tokens"
    yield f"{tokens}, attempts {completion['attempts']}, finished by {completion['finish_reason']}"
    if prompt and record:
        fields = get_stage(stage).fields({**record, "prompt": prompt.name})
        for message in prompt.render(fields) if isinstance(fields, dict) else ():
            yield f"{message['role']} message:"
            yield indented(message["content"])
    yield "raw completion:"
    yield indented(completion["text"])


def _prompt_of(completion: dict[str, Any], prompts: Path) -> Prompt | None:
    """Return the prompt of a completion from its file, None where that was edited since or is not there."""
    for path in sorted(prompts.rglob(f"{completion['prompt']}.*")) if prompts.is_dir() else ():
        try:
            prompt = load_prompt(path)
        except InputError:
            continue
        if prompt.hash == completion["prompt_hash"]:
            return prompt
    return None


def _changed(before: dict[str, Any] | None, after: dict[str, Any]) -> Iterator[str]:
    if before is None:
        yield "made:"
        for name in ("question", "answer"):
            yield f"  {name}:"
            yield indented(after[name])
        return
    changed = [name for name in _CHANGING if after.get(name) != before.get(name)]
    if not changed:
        yield "kept, unchanged"
    for name in changed:
        if isinstance(after[name], str) and isinstance(before.get(name), str):
            yield f"changed {name}:"
            yield from (f"    {line}" for line in changes(before[name], after[name]))
        else:
            yield f"set {name}: {one_line(str(after[name]))}"


def _drop_line(row: dict[str, Any]) -> str:
    meaning = REASONS.get(row["reason"], "")
    detail = f"\n    {one_line(row['detail'])}" if row["detail"] else ""
    return f"dropped: {row['reason']} ({meaning}){detail}"


def dropped(results: str | Path, stage: str, reason: str | None = None, limit: int | None = None) -> Iterator[str]:
    """Yield the ledger of a stage as tab-separated lines: id, discipline, shard, reason, detail.

    Args:
        reason: only drops for this reason.
        limit: at most so many lines.

    Raises:
        InputError: no such stage or reason, or the stage has no ledger in the results.
    """
    if stage not in STAGES:
        raise InputError(f"{stage!r} is no stage; known: {', '.join(STAGES)}")
    if reason is not None and reason not in REASONS:
        raise InputError(f"{reason!r} is no reason for a drop; known: {', '.join(REASONS)}")
    ledgers = sorted(Path(results, stage).glob("*/*.dropped.parquet"))
    if not ledgers:
        raise InputError(f"{Path(results, stage)}: no ledger of dropped rows; run the stage first, or mend --results")
    return _ledger_lines(ledgers, reason, limit)


def _ledger_lines(ledgers: Sequence[Path], reason: str | None, limit: int | None) -> Iterator[str]:
    left = limit
    for path in ledgers:
        _, discipline, shard = shard_of_path(path)
        for row in read_columns(path, DROPPED.names).to_pylist():
            if reason in (None, row["reason"]):
                if left == 0:
                    return
                left = None if left is None else left - 1
                yield "\t".join((row["id"], discipline, shard, row["reason"], one_line(row["detail"])))


def contamination(results: str | Path, identifier: str, width: int = 120) -> str:
    """Return the evidence for or against contamination of a pair: its question beside each near benchmark item.

    Args:
        identifier: a qa_id.
        width: of the terminal, in characters.

    Raises:
        InputError: the pair was never compared with the benchmarks.
    """
    lines: list[str] = []
    for kept in stage_files(results, "search"):
        if find_rows([kept], "qa_id", identifier):
            lines += _evidence(Path(results), Path(results, "decontaminate", *kept.parts[-2:]), identifier, width)
    if not lines:
        raise InputError(f"{identifier}: no pair of this id was compared with the benchmarks in {Path(results)}")
    return "\n".join(lines)


def _evidence(results: Path, kept: Path, identifier: str, width: int | None = None) -> Iterator[str]:
    """Give each candidate of a pair with its verdict, and with both texts side by side where a width is given."""
    verdicts = {
        (row["benchmark"], row["item_id"]): row
        for _, row in find_rows([kept.with_suffix(".verdicts.parquet")], "qa_id", identifier)
    }
    candidates = [row for _, row in find_rows([results.joinpath("search", *kept.parts[-2:])], "qa_id", identifier)]
    if not candidates:
        yield "no benchmark item was near"
    for row in sorted(candidates, key=lambda row: (-row["similarity"], row["benchmark"], row["item_id"])):
        verdict = verdicts.get((row["benchmark"], row["item_id"]))
        said = verdict["verdict"] if verdict else "not judged"
        near = f"similarity {row['similarity']:.4f}, n-gram overlap {row['ngram_overlap']:.4f}"
        yield one_line(f"{row['benchmark']} {row['item_id']}: {said} ({near})")
        if width is not None:
            yield side_by_side(f"QUESTION\n{row['question']}", f"ITEM\n{row['item_question']}", width)
            if verdict:
                yield one_line(f"judged by {verdict['model']}, revision {verdict['revision']}:")
                yield indented(verdict["rationale"] or "(no rationale)")
            yield ""
