"""The history of one row: what each stage asked, got and changed, from the records on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from megascience.cli.contamination import evidence
from megascience.cli.dropped import drop_line
from megascience.cli.terminal import changes, indented
from megascience.stages.order import SOURCE_STAGES, STAGES
from megascience.stages.prompting.prompt import Prompt, load_prompt
from megascience.stages.stage import get_stage
from megascience.storage.errors import InputError
from megascience.storage.layout import (
    SEPARATOR,
    Layout,
    completions_path,
    dropped_path,
    split_subset,
    stage_files,
    stage_of_path,
)
from megascience.storage.parquet import find_rows, read_columns, read_schema
from megascience.storage.shipped import WORKFLOW
from megascience.storage.text import one_line

#: The stages whose rows are pairs.
PAIR_STAGES = STAGES[STAGES.index("extract") :]

#: The columns of a pair that a stage may change.
_CHANGING = ("question", "answer", "has_reasoning", "reference_answer")


@dataclass
class RowHistory:
    """The history of one row: of a textbook's pair, in its discipline and in each branch, or of a source's row.

    Attributes:
        prompts: the folder with the prompt files.
        render: show the messages that the model got, too.
        origin: the file of extract or import_source that first holds the row.
        first: the row there.
    """

    results: Path
    prompts: Path
    render: bool
    origin: Path
    first: dict[str, Any]

    def text(self) -> str:
        """Return the history as text for a terminal."""
        body, end = self._way(self._files(PAIR_STAGES if self.is_pair else SOURCE_STAGES))
        measured = list(self._measured())
        released = [path.parent.name for path in self._provenances if find_rows([path], "id", self.identifier)]
        if not self.is_pair and released:
            end = "released"
        standard = f", {self.first['standard']} standard" if self.is_pair else ""
        head = [f"{'pair' if self.is_pair else 'row'} {self.identifier} ({self.subset}/{self.shard}{standard}): {end}"]
        tail = ["", f"in the datasets {', '.join(released)}"] if released else []
        return "\n".join([*head, *self._source(), *body, *self._branches(), *measured, *tail])

    @property
    def identifier(self) -> str:
        return self.first["qa_id"]

    @property
    def is_pair(self) -> bool:
        """Whether it comes from a textbook."""
        return stage_of_path(self.origin) == "extract"

    @property
    def subset(self) -> str:
        return self.origin.parent.name

    @property
    def shard(self) -> str:
        return self.origin.stem

    @cached_property
    def _provenances(self) -> list[Path]:
        return sorted(self.results.glob("dataset/*/provenance.parquet"))

    def _file(self, stage: str, subset: str = "") -> Path:
        return self.results / stage / (subset or self.subset) / self.origin.name

    def _files(self, stages: tuple[str, ...]) -> list[Path]:
        """Return the files of those stages that the shard went through so far."""
        return [self._file(stage) for stage in stages if self._file(stage).exists()]

    def _way(self, files: list[Path], start: int = 0) -> tuple[list[str], str]:
        """Give a row's way through the files of its stages from number `start` on, and how it ended."""
        body: list[str] = []
        before = self._row(files[start - 1]) if start else None
        for file in files[start:]:
            stage = stage_of_path(file)
            body += ["", f"== {stage}", *self._judged(stage, file, before)]
            after = self._row(file)
            if after is None:
                dropped = self._drop(file)
                end = f"dropped by {stage}" if dropped else f"lost by {stage}: neither kept nor dropped"
                return [*body, drop_line(dropped) if dropped else end], end
            body += changed(before, after)
            before = after
        last = stage_of_path(files[-1]) if files else ""
        if self.is_pair:
            return body, "released" if last == STAGES[-1] else "still on its way"
        return body, "kept" if last == SOURCE_STAGES[-1] else "still on its way"

    def _row(self, file: Path) -> dict[str, Any] | None:
        rows = find_rows([file], "qa_id", self.identifier)
        return rows[0][1] if rows else None

    def _drop(self, file: Path) -> dict[str, Any] | None:
        rows = find_rows([dropped_path(file)], "id", self.identifier)
        return rows[0][1] if rows else None

    def _branches(self) -> Iterator[str]:
        """Give the way of each branch from its first own stage on; its provenance says which stages it left out."""
        own = {
            split_subset(path.parent.name)[1]
            for stage in PAIR_STAGES
            for path in self.results.glob(f"{stage}/{self.subset}{SEPARATOR}*/{self.origin.name}")
        }
        for branch in sorted(own):
            provenance = Layout(self.results).provenance(branch)
            if not provenance.exists():
                yield from ("", f"==== branch {branch}: not released yet")
                continue
            names = read_schema(provenance).names
            stages = [s for s in PAIR_STAGES if s in ("extract", "dedup") or f"{s}_model" in names]
            mine = [self._file(stage, f"{self.subset}{SEPARATOR}{branch}") for stage in stages]
            start = next((i for i, file in enumerate(mine) if file.exists()), len(mine))
            files = [self._file(stage) for stage in stages[:start]] + mine[start:]
            if all(self._row(file) is not None for file in files[:start]):
                body, end = self._way(files, start)
                yield from ("", f"==== branch {branch}: {end}", *body)

    def _measured(self) -> Iterator[str]:
        """Give what selections measured of the row, which took it, and what was annotated."""
        for stage in ("difficulty_score", "response_length"):
            for path in sorted(self.results.glob(f"{stage}/{self.subset}*/{self.origin.name}")):
                for _, row in find_rows([path], "id", self.identifier):
                    values = ", ".join(f"{name} {value}" for name, value in row.items() if name != "id")
                    yield from ("", f"== {stage} of {path.parent.name}", values)
        for stage in ("select", "annotate"):
            for path in sorted(self.results.glob(f"{stage}/{self.subset}{SEPARATOR}*/{self.origin.name}")):
                after, dropped = self._row(path), self._drop(path)
                if after is None and dropped is None:
                    continue
                yield from ("", f"== {stage} {split_subset(path.parent.name)[1]}")
                if stage == "annotate":
                    yield from self._judged(stage, path, after)
                    yield from changed(self._selected(path), after) if after else ()
                yield drop_line(dropped) if after is None and dropped else "taken"
        for path in sorted(self.results.glob("mixture/*/*.dropped.parquet")):
            for _, row in find_rows([path], "id", self.identifier):
                yield from ("", f"== mixture {path.parent.name}", drop_line(row))

    def _selected(self, annotated: Path) -> dict[str, Any] | None:
        """Return the row that an annotation got; one of hard questions only has its selection's name and more."""
        subset = annotated.parent.name
        subsets = (subset, subset.rpartition("_below_")[0])
        files = (self.results / "select" / name / annotated.name for name in subsets)
        return next((row for file in files if file.exists() and (row := self._row(file))), None)

    def _source(self) -> Iterator[str]:
        if self.is_pair:
            yield from chunk_lines(self.results, self._file("chunk"), self.chunk)
            return
        row = self.first
        yield one_line(f"source {row['source']}, revision {row['revision']}, licence {row['licence']}")
        yield one_line(f"file {row['file']}, row {row['row']}, its own id {row['row_id']}")

    @cached_property
    def chunk(self) -> dict[str, Any]:
        rows = find_rows([self._file("chunk")], "chunk_id", self.first["chunk_id"])
        if not rows:
            where, chunk_id = self._file("chunk"), self.first["chunk_id"]
            raise InputError(f"{where}: chunk {chunk_id} is not there; run the workflow again")
        return rows[0][1]

    def _judged(self, stage: str, file: Path, before: dict[str, Any] | None) -> Iterator[str]:
        """Give what a stage made its decision from; `before` is the row that it got."""
        if stage == "import_source":
            return
        if stage == "dedup":
            yield from self._copies()
            return
        if stage == "decontaminate":
            yield from evidence(file, self.identifier)
            return
        if stage == "extract":
            completions = extractions(file, self.first["chunk_id"])
            completions = [row for row in completions if standard_of(row) == self.first["standard"]]
        else:
            completions = [row for _, row in find_rows([completions_path(file)], "id", self.identifier)]
        if not completions:
            there = completions_path(file).exists()
            yield "the model was not asked: the row passed through" if there else "its completions are not on disk"
        record = {**before, "chunk_text": ""} if before else {}
        if self.is_pair:
            record = {**(before or self.chunk), "chunk_text": self.chunk["text"]}
        for completion in completions:
            yield from asked(stage, completion, self.prompts, record if self.render else None)

    def _copies(self) -> Iterator[str]:
        """Give the near duplicates that were left out in favour of this row."""
        for path in stage_files(self.results, "dedup"):
            dropped = dropped_path(path)
            if dropped.exists():
                table = read_columns(dropped, ["id", "detail"])
                mine = pc.starts_with(table.column("detail"), f"{self.identifier} ")
                for row in table.filter(mine).to_pylist():
                    place = f"{path.parent.name}/{path.stem}"
                    yield f"preferred to {row['id']} ({place}; {one_line(row['detail'])})"


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
    for folder in (prompts, WORKFLOW / prompts):
        for path in sorted(folder.rglob(f"{completion['prompt']}.*")):
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
            yield from (f"  {line}" for line in changes(before[name], after[name]))
        else:
            yield f"set {name}: {one_line(str(after[name]))}"
