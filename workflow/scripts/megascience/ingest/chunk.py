"""Chunk: cut a book's pages into chunks of at most `chunk_tokens` that end at paragraph or section borders."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from megascience.ingest.pdf.text_repair import (
    is_heading,
    is_solution_start,
    is_title,
    is_unit_start,
    join_lines,
    runs_on,
    vocabulary_of,
)
from megascience.storage.drops import Drop
from megascience.storage.errors import InputError
from megascience.storage.ids import content_id

CountTokens = Callable[[str], int]

#: Between two paragraphs, in pages as in chunks.
SEPARATOR = "\n\n"

#: A chunk may end before a heading only if it is filled to this share, so that sections do not make chunks small.
MIN_FILL = 0.5

_WORD = re.compile(r"[^\W\d_]{2,}")
_SPACE = re.compile(r"\s+")
_SENTENCE = re.compile(r"(?:(?<=[.!?;:])|(?<=[.!?][)\]”’\"']))\s+|\n+")


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, or a piece of one that is too long.

    Attributes:
        pages: (offset in the text, page number) of each page that it stands on, from offset 0.
        glue: what joins it to the paragraph before.
    """

    text: str
    pages: tuple[tuple[int, int], ...]
    tokens: int
    glue: str = SEPARATOR

    @property
    def first(self) -> int:
        return self.pages[0][1]

    @property
    def last(self) -> int:
        return self.pages[-1][1]


def load_tokenizer(path: str | Path) -> CountTokens:
    """Return a function that counts the tokens of a text, without special tokens.

    Args:
        path: a `tokenizer.json` of the `tokenizers` library, or the folder that holds it.

    Raises:
        InputError: the file is not there or is not a tokenizer.
    """
    from tokenizers import Tokenizer

    path = Path(path)
    if path.is_dir():
        path = path / "tokenizer.json"
    if not path.is_file():
        raise InputError(f"{path}: no such tokenizer; fetch the model again or fix its path in the config")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise InputError(f"{path}: not a tokenizer.json ({error}); fetch the model again") from error
    # both may be stored in the file, and either would make every count wrong
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def chunk_books(
    pages: Iterable[Mapping[str, Any]],
    book_ids: Sequence[str],
    discipline: str,
    chunk_tokens: int,
    count_tokens: CountTokens,
) -> tuple[list[dict[str, Any]], list[tuple[str, Drop]]]:
    """Cut the pages of some books into chunks.

    Args:
        pages: rows of `schemas.PAGES`, in any order; pages of other books are ignored.
        book_ids: the books to cut, in the order of the result.
        discipline: what the chunks are labelled with; a book that serves several has chunks of its own in each.
        chunk_tokens: the most tokens that a chunk may have.
        count_tokens: text -> number of tokens; see `load_tokenizer`.

    Returns:
        Rows of `schemas.CHUNKS` in reading order, and (page_id, Drop) of each page without usable text.
    """
    if chunk_tokens < 1:
        raise InputError(f"chunk_tokens is {chunk_tokens}; give a positive number")
    by_book: dict[str, list[Mapping[str, Any]]] = {book_id: [] for book_id in book_ids}
    for page in pages:
        if page["book_id"] in by_book:
            by_book[page["book_id"]].append(page)
    rows: list[dict[str, Any]] = []
    drops: list[tuple[str, Drop]] = []
    for book_id, book_pages in by_book.items():
        usable = []
        for page in sorted(book_pages, key=lambda page: page["page"]):
            if _WORD.search(page["text"] or ""):
                usable.append(page)
            else:
                drops.append((page["page_id"], Drop("no_text", f"page {page['page']} holds no word")))
        seen = set()
        for group in pack(paragraphs_of(usable, count_tokens), chunk_tokens, count_tokens):
            text = _text(group)
            first, last = group[0].first, max(paragraph.last for paragraph in group)
            chunk_id = content_id(book_id, discipline, str(first), str(last), text)
            if chunk_id in seen:
                drops.append((chunk_id, Drop("repeated_chunk", f"pages {first}-{last}")))
                continue
            seen.add(chunk_id)
            rows.append(
                {
                    "chunk_id": chunk_id,
                    "book_id": book_id,
                    "discipline": discipline,
                    "page_first": first,
                    "page_last": last,
                    "n_tokens": count_tokens(text),
                    "text": text,
                }
            )
    return rows, drops


def paragraphs_of(pages: Sequence[Mapping[str, Any]], count_tokens: CountTokens) -> list[Paragraph]:
    """Return the paragraphs of a book's pages; one that runs over a page break is joined."""
    vocabulary = vocabulary_of(page["text"] for page in pages)
    merged: list[tuple[str, tuple[tuple[int, int], ...]]] = []
    for page in pages:
        number = page["page"]
        texts = [text.strip() for text in re.split(r"\n\s*\n", page["text"]) if text.strip()]
        if texts and merged and merged[-1][1][-1][1] == number - 1 and runs_on(merged[-1][0], texts[0]):
            before, after = merged[-1][0], texts.pop(0)
            joined = join_lines(before, after, vocabulary)
            merged[-1] = (joined, (*merged[-1][1], (len(joined) - len(after), number)))
        merged += [(text, ((0, number),)) for text in texts]
    return [Paragraph(text, spans, count_tokens(text)) for text, spans in merged]


def pack(paragraphs: Iterable[Paragraph], limit: int, count_tokens: CountTokens) -> Iterator[list[Paragraph]]:
    """Yield groups of consecutive paragraphs whose joined text has at most `limit` tokens.

    A group is filled as far as it goes and then cut at the best border of its second half: before a heading,
    else before an example, an exercise or a title, else at the last paragraph; not right after a heading. Each
    paragraph is counted once; since a tokenizer need not be additive over paragraphs, the joined text is counted
    again before it is yielded.
    """
    separator = count_tokens(SEPARATOR)
    group: list[Paragraph] = []
    size = 0
    for paragraph in _fitting(paragraphs, limit, count_tokens):
        while group and size + separator + paragraph.tokens > limit:
            cut = _best_cut([*group, paragraph], limit, separator)
            cut = _shrink(group, cut, limit, count_tokens)
            yield group[:cut]
            group = group[cut:]
            size = sum(p.tokens for p in group) + separator * max(0, len(group) - 1)
        size += paragraph.tokens + (separator if group else 0)
        group.append(paragraph)
    while group:
        cut = _shrink(group, len(group), limit, count_tokens)
        yield group[:cut]
        group = group[cut:]


def _text(group: Sequence[Paragraph]) -> str:
    return group[0].text + "".join(paragraph.glue + paragraph.text for paragraph in group[1:])


def _shrink(group: Sequence[Paragraph], cut: int, limit: int, count_tokens: CountTokens) -> int:
    """Return the largest cut ≤ `cut` whose joined text really has at most `limit` tokens."""
    while cut > 1 and count_tokens(_text(group[:cut])) > limit:
        cut -= 1
    return cut


def _best_cut(group: Sequence[Paragraph], limit: int, separator: int) -> int:
    """Return where to cut a group whose last paragraph is the first that does not fit: 1 ≤ cut < len(group)."""
    best, best_rank = len(group) - 1, -2
    size = 0
    for cut in range(1, len(group)):
        size += group[cut - 1].tokens + separator
        if size < MIN_FILL * limit:
            continue
        before, after = group[cut - 1], group[cut]
        heading = is_heading(before.text) or is_title(before.text)
        if heading or is_solution_start(after.text) or after.glue != SEPARATOR:
            rank = -1
        elif is_heading(after.text):
            rank = 2
        elif is_unit_start(after.text) or is_title(after.text):
            rank = 1
        else:
            rank = 0
        if rank >= best_rank:  # of equal borders the last one fills the chunk best
            best, best_rank = cut, rank
    return best


def _fitting(paragraphs: Iterable[Paragraph], limit: int, count_tokens: CountTokens) -> Iterator[Paragraph]:
    """Yield the paragraphs; one with more than `limit` tokens comes in pieces that fit."""
    for paragraph in paragraphs:
        if paragraph.tokens <= limit:
            yield paragraph
            continue
        glue, start = paragraph.glue, 0
        for end, following in _cuts(paragraph.text, limit, count_tokens):
            text = paragraph.text[start:end]
            yield Paragraph(text, _pages_between(paragraph.pages, start, end), count_tokens(text), glue)
            glue, start = paragraph.text[end:following], following


def _pages_between(pages: tuple[tuple[int, int], ...], start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Return the pages of a piece of a paragraph, with offsets in the piece."""
    before = [page for offset, page in pages if offset <= start]
    return ((0, before[-1]), *((offset - start, page) for offset, page in pages if start < offset < end))


def _cuts(text: str, limit: int, count_tokens: CountTokens) -> Iterator[tuple[int, int]]:
    """Yield where each piece of at most `limit` tokens ends and where the next one starts.

    Cut at the last sentence or line end that fits, else at the last white space, else inside the word.
    """
    start = 0
    while start < len(text):
        high = start + _longest_prefix(text[start:], limit, count_tokens)
        if high == len(text):
            yield high, high
            return
        borders = [match for match in _SENTENCE.finditer(text, start, high) if match.start() > start]
        borders = borders or [match for match in _SPACE.finditer(text, start, high + 1) if match.start() > start]
        end = borders[-1].start() if borders else high
        space = _SPACE.match(text, end)
        following = space.end() if space else end
        yield end, following
        start = following


def _longest_prefix(text: str, limit: int, count_tokens: CountTokens) -> int:
    """Return the length of a prefix with at most `limit` tokens, at least 1, found by doubling and bisection."""
    low, high = 1, min(len(text), limit)
    while high < len(text) and count_tokens(text[:high]) <= limit:  # do not encode a long rest again and again
        low, high = high, min(len(text), 2 * high)
    while low < high:
        middle = (low + high + 1) // 2
        if count_tokens(text[:middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    return low
