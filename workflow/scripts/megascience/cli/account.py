"""Account: one stage's part of a row's life as lines for a terminal: where it is from, what was asked and answered."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from megascience.cli.terminal import changes, indented, side_by_side
from megascience.stages.prompting.prompt import Prompt, load_prompt
from megascience.stages.stage import get_stage
from megascience.storage.errors import InputError
from megascience.storage.layout import completions_path, stage_files
from megascience.storage.parquet import find_rows
from megascience.storage.reasons import REASONS
from megascience.storage.text import one_line

#: The columns of a pair that a stage may change.
_CHANGING = ("question", "answer", "has_reasoning", "reference_answer")


def extractions(kept: Path, chunk_id: str) -> list[dict[str, Any]]:
    """Return the completions about a chunk, beside extract's kept rows."""
    return [row for _, row in find_rows([completions_path(kept)], "id", chunk_id)]


def standard_of(completion: dict[str, Any]) -> str:
    """Return the standard of an extraction's completion: the end of its prompt's name, as in physics_high."""
    return completion["prompt"].rpartition("_")[2]


def chunk_lines(results: Path, path: Path, chunk: dict[str, Any]) -> Iterator[str]:
    """Give a chunk's book, pages and text."""
    yield from _book_lines(results, chunk)
    yield f"chunk {chunk['chunk_id']}: {chunk['n_tokens']} tokens, {f'{path.parent.name}/{path.stem}'}"
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


def asked(stage: str, completion: dict[str, Any], prompts: Path, record: dict[str, Any] | None) -> Iterator[str]:
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


def changed(before: dict[str, Any] | None, after: dict[str, Any]) -> Iterator[str]:
    """Give what a stage changed of a row, all of it where there was none before."""
    if before is None:
        yield "made:"
        for name in ("question", "answer"):
            yield f"  {name}:"
            yield indented(after[name] or "(none)")
        return
    different = [name for name in _CHANGING if after.get(name) != before.get(name)]
    if not different:
        yield "kept, unchanged"
    for name in different:
        if isinstance(after[name], str) and isinstance(before.get(name), str):
            yield f"changed {name}:"
            yield from (f"    {line}" for line in changes(before[name], after[name]))
        else:
            yield f"set {name}: {one_line(str(after[name]))}"


def drop_line(row: dict[str, Any]) -> str:
    """Return a row of a ledger in words."""
    meaning = REASONS.get(row["reason"], "")
    detail = f"\n    {one_line(row['detail'])}" if row["detail"] else ""
    return f"dropped: {row['reason']} ({meaning}){detail}"


def evidence(results: Path, kept: Path, identifier: str, width: int | None = None) -> Iterator[str]:
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
            if verdict and verdict["model"]:  # none where the search left it out
                yield one_line(f"judged by {verdict['model']}, revision {verdict['revision']}:")
                yield indented(verdict["rationale"] or "(no rationale)")
            yield ""
