"""The dataset card: front matter for the Hugging Face hub, counts, yield, models, sources and limits."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from megascience.storage.tables import markdown, markdown_text, table_of

if TYPE_CHECKING:
    import pandas as pd


class ReleasedBook(Protocol):
    """What the card and the provenance need of a book of the shelf (`shelf.Book`)."""

    @property
    def book_id(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    @property
    def licence(self) -> str: ...


@dataclass
class Facts:
    """What the card counts."""

    rows: int = 0
    words: int = 0
    subjects: Counter[str] = field(default_factory=Counter)
    books: Counter[str] = field(default_factory=Counter)
    standards: Counter[str] = field(default_factory=Counter)

    def add(self, block: pa.Table) -> None:
        self.rows += len(block)
        self.words += pc.sum(word_counts(block.column("answer"))).as_py() or 0
        self.subjects.update(block.column("discipline").to_pylist())
        self.books.update(block.column("book_id").to_pylist())
        self.standards.update(block.column("standard").to_pylist())


def word_counts(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the number of words (runs without white space) of each text."""
    return pc.count_substring_regex(texts, r"\S+")


#: Licences that the Hugging Face hub knows, by SPDX identifier in lower case; any other becomes "other".
_HUB_LICENCES = frozenset(
    """
    apache-2.0 mit unlicense pddl odbl odc-by gfdl gpl-2.0 gpl-3.0 lgpl-2.1 lgpl-3.0 bsd-2-clause bsd-3-clause cc0-1.0
    cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0
    cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0
    """.split()  # noqa: SIM905
)

#: The hub's classes of size, by their upper bound.
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))


def front_matter(name: str, rows: int, licences: Iterable[str]) -> str:
    """Return the card's YAML front matter, as the Hugging Face hub reads it."""
    from huggingface_hub import DatasetCardData

    known = {text.lower() if text.lower() in _HUB_LICENCES else "other" for text in licences}
    value: dict[str, Any] = {
        "pretty_name": name,
        "language": ["en"],
        "license": sorted(known) or ["other"],
        "task_categories": ["question-answering", "text-generation"],
        "tags": ["science", "reasoning", "textbooks"],
        "size_categories": [next((size for bound, size in _SIZES if rows < bound), "10M<n<100M")],
        "configs": [
            {"config_name": "default", "default": True, "data_files": [{"split": "train", "path": "train.parquet"}]},
            {"config_name": "provenance", "data_files": [{"split": "train", "path": "provenance.parquet"}]},
        ],
    }
    return f"---\n{DatasetCardData(**value).to_yaml(original_order=list(value))}\n---\n"


_OPENING = """\
{rows} questions with worked answers and short reference answers, extracted from {books} textbooks, refined,
checked and decontaminated. An answer has {words:.0f} words on average.

## Files

- `train.parquet`, `train.jsonl`: `question`, `answer`, `subject`, `reference_answer`, `id`.
- `provenance.parquet`: one row an `id`: book, pages, chunk and standard that it comes from, and for every stage
  the hash of the prompt, the model and its revision.
"""

_LIMITS = """\
## Limits

- Questions and answers were extracted, rewritten and judged by language models; errors of theirs, and of the
  books, remain.
- Decontamination covers the benchmarks of this workflow and no other.
- Figures of the books are not part of the rows; questions that need one should have been dropped, but the judge
  can miss one.
- English only, and only the subjects above.
"""


def card(
    name: str,
    facts: Facts,
    shelf: Mapping[str, ReleasedBook],
    models: Sequence[tuple[str, str, str]],
    yields: "pd.DataFrame | None",
    judged: int | None,
    quality: Sequence[str] = (),
) -> str:
    """Return the dataset card.

    Args:
        shelf: book_id -> book.
        models: (stage, model, revision).
        yields: `yield.tsv`, see `YIELDS`; None leaves that part out.
        judged: how many pairs of a question and a benchmark item were judged, None where they were not.
        quality: paragraphs on how well that goes, see `quality.quality_section`.
    """
    used = [shelf[book_id] for book_id in sorted(facts.books)]
    subjects = [(subject, rows) for subject, rows in sorted(facts.subjects.items())]
    words = facts.words / max(facts.rows, 1)
    parts = [
        front_matter(name, facts.rows, [book.licence for book in used]),
        f"# {markdown_text(name)}\n",
        _OPENING.format(rows=facts.rows, books=len(used), words=words),
        "## Rows by subject\n",
        markdown(table_of(("subject", "rows"), [*subjects, ("all", facts.rows)])),
    ]
    if yields is not None:
        parts += ["## Yield by stage\n", markdown(_yield_by_stage(yields))]
    if judged is not None:
        parts += [f"For decontamination {judged} pairs of a question and a near benchmark item were judged.\n"]
    parts += quality
    parts += ["## Models\n", markdown(table_of(("stage", "model", "revision"), models))]
    books = [(book.title, book.licence, facts.books[book.book_id], book.book_id) for book in used]
    parts += [
        "## Sources\n",
        "Each row is derived from the book that `provenance.parquet` names and is under that book's licence.\n",
        markdown(table_of(("title", "licence", "rows", "book_id"), books)),
        _LIMITS,
    ]
    return "\n".join(parts)


#: What the card reads of `yield.tsv`.
YIELDS = {"stage": str, **dict.fromkeys(("rows_in", "rows_kept", "rows_dropped", "rows_out"), int), "row": str}


def _yield_by_stage(yields: "pd.DataFrame") -> "pd.DataFrame":
    how = {name: "sum" if kind is int else "last" for name, kind in YIELDS.items() if name != "stage"}
    totals = yields.groupby("stage", sort=False, as_index=False).agg(how)
    return table_of(totals.columns, totals.itertuples(index=False, name=None))


@dataclass(frozen=True)
class MixedPart:
    """A part of a mixture: rows in, those left out by reason, and those kept."""

    name: str
    source: str
    rows_in: int
    incomplete: int
    duplicates: int
    not_drawn: int
    rows_kept: int


class MixtureCount(Protocol):
    """What the card of a mixture needs to know (`mixed_rows.MixtureFacts`)."""

    @property
    def rows(self) -> int: ...

    @property
    def words(self) -> int: ...

    @property
    def subjects(self) -> Counter[str | None]: ...

    @property
    def licences(self) -> Counter[tuple[str, str | None]]: ...


_MIXTURE = """\
{rows} questions with worked answers, mixed of {parts} parts and decontaminated. An answer has {words:.0f} words on
average.

## Files

- `train.parquet`, `train.jsonl`: `question`, `answer`, `subject`, `reference_answer`, `id`, `source`.
- `provenance.parquet`: one row an `id`. A row of a public set: its file, its place there, its own id, the set's
  revision and its licence. A textbook's row: book, pages, chunk and standard. For every stage that asked a model:
  the hash of the prompt, the model and its revision.

## Parts

Of questions that several parts ask (Jaccard similarity of word shingles of at least {threshold:g}) the row of the part
that comes first is kept; rows without an answer are left out.
"""

_MIXTURE_LIMITS = """\
## Limits

- Answers were written, and rows judged, by language models; errors of theirs, and of the sources, remain.
- Decontamination covers the benchmarks of this workflow and no other.
- Each row is under the licence of its source; where a source says nothing about a row, under that of the whole set.
"""


def mixture_card(
    name: str,
    facts: MixtureCount,
    parts: Sequence[MixedPart],
    models: Sequence[tuple[str, ...]],
    threshold: float,
) -> str:
    """Return the dataset card of a mixture.

    Args:
        parts: in the order of preference.
        models: (stage, model, revision) of what was asked about rows of public sets, and of annotations.
        threshold: the least similarity of duplicates.
    """
    licences = sorted((source, licence or "see its books", rows) for (source, licence), rows in facts.licences.items())
    subjects = sorted((subject or "not stated", rows) for subject, rows in facts.subjects.items())
    words = facts.words / max(facts.rows, 1)
    counts = [(p.name, p.source, p.rows_in, p.incomplete, p.duplicates, p.not_drawn, p.rows_kept) for p in parts]
    head = ("part", "source", "rows in", "no answer", "duplicates", "not drawn", "rows")
    return "\n".join(
        [
            front_matter(name, facts.rows, [licence for _, licence, _ in licences]),
            f"# {markdown_text(name)}\n",
            _MIXTURE.format(rows=facts.rows, parts=len(parts), words=words, threshold=threshold),
            markdown(table_of(head, counts)),
            "## Rows by subject\n",
            markdown(table_of(("subject", "rows"), [*subjects, ("all", facts.rows)])),
            "## Models\n",
            markdown(table_of(("stage", "model", "revision"), models)),
            "## Licences\n",
            markdown(table_of(("source", "licence", "rows"), licences)),
            _MIXTURE_LIMITS,
        ]
    )
