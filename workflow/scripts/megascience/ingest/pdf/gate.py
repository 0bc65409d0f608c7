"""Gate: pages above a quality, in the wanted languages, and what their readings say of each other.

Every engine's pages pass the same gate. A page that another engine than the text layer read is held against the
text layer, where that is readable; a page that fails may be read again by a second engine (`fallback`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from megascience.ingest.books import Book
from megascience.ingest.pdf.digitize import Drops, Rows, digitize, read_apart
from megascience.ingest.pdf.quality import Limits, agreement, language_of, main_language, page_fault
from megascience.storage.drops import Drop

#: Reasons after which a second engine may read a page.
AGAIN = {"page_empty", "page_failed", "page_unreadable", "page_disagrees"}

#: Characters of a text layer below which it is not a witness: a stamp, or the page's number.
MIN_WITNESS = 100


def readable_pages(
    books: Sequence[Book],
    settings: Mapping[str, Any],
    places: Mapping[str, Mapping[str, Any]] | None = None,
    workspace: str | Path | None = None,
) -> tuple[Rows, Drops]:
    """Turn books into pages and judge them.

    Args:
        settings: `engine`, the settings of each engine under its name, and optionally `fallback` (the engine that
            reads a page again), `quality` (keys of `Limits`), `agreement` (the least that two readings of a page
            agree), `languages` (those that are kept; empty for all).
        places: settings of the engines that shape no text; they go before those of `settings`.
        workspace: see `digitize`.

    Returns:
        As `digitize`, by book and page. A book that is mostly in an unwanted language is one drop.

    Raises:
        InputError: as `digitize`, for either engine, before any page is read.
    """
    gate = _Gate(settings, places or {}, workspace)
    rows, drops = gate.judged(books, settings["engine"], None)
    if settings.get("fallback"):
        rows, drops = gate.read_again(books, rows, drops, settings["fallback"])
    return _in_languages(rows, drops, settings.get("languages", ["English"]))


class _Gate:
    def __init__(
        self, settings: Mapping[str, Any], places: Mapping[str, Mapping[str, Any]], workspace: str | Path | None
    ) -> None:
        self._settings, self._places, self._workspace = settings, places, workspace
        self._limits = Limits(**settings.get("quality", {}))
        self._least = settings.get("agreement", 0.5)
        self._layers: dict[str, dict[int, dict[str, Any]]] = {}
        for engine in {settings["engine"], settings.get("fallback")} - {None}:
            self._read([], engine, None)  # a wrong option or a missing program is found before any work

    def _read(self, books: Sequence[Book], engine: str, wanted: Mapping[str, set[int]] | None) -> tuple[Rows, Drops]:
        options = {**self._settings.get(engine, {}), **self._places.get(engine, {})}
        return digitize(books, engine, options, self._workspace, wanted)

    def judged(self, books: Sequence[Book], engine: str, wanted: Mapping[str, set[int]] | None) -> tuple[Rows, Drops]:
        """Return the pages of one engine that are readable and agree with the text layer, and the drops."""
        read, drops = self._read(books, engine, wanted)
        paths = {book.book_id: book for book in books}
        rows: Rows = []
        for row in read:
            row["language"] = language_of(row["text"])
            layer = {} if engine == "pdftext" else self._layer(paths[row["book_id"]]).get(row["page"], {})
            witness = str(layer.get("text", ""))
            good = len(witness) >= MIN_WITNESS and not page_fault(witness, self._limits)
            fault = page_fault(row["text"], self._limits, layer["glyphs"] if good else None)
            if fault:
                drops.append((row["page_id"], Drop("page_unreadable", f"{engine}: {fault}")))
                continue
            if layer.get("blank"):
                row["compared_with"], row["agreement"] = "blank page", 0.0
            elif good and (share := agreement(row["text"], witness)) is not None:
                row["compared_with"], row["agreement"] = "text layer", round(share, 3)
            if row["agreement"] is not None and row["agreement"] < self._least:
                detail = f"{engine}: {row['agreement']:.0%} of the words are those of the {row['compared_with']}"
                drops.append((row["page_id"], Drop("page_disagrees", detail)))
            else:
                rows.append(row)
        return rows, drops

    def _layer(self, book: Book) -> dict[int, dict[str, Any]]:
        """Return the text layer of a book by page; nothing where it cannot be read."""
        if book.book_id not in self._layers:
            answer = read_apart("megascience.ingest.pdf.text_layer", book)
            self._layers[book.book_id] = {page["page"]: page for page in answer.get("pages", [])}
        return self._layers[book.book_id]

    def read_again(self, books: Sequence[Book], rows: Rows, drops: Drops, engine: str) -> tuple[Rows, Drops]:
        """Return rows and drops after a second engine has read the pages that failed."""
        failed = {identifier: drop for identifier, drop in drops if drop.reason in AGAIN}
        wanted: dict[str, set[int]] = defaultdict(set)
        for identifier in failed:
            book_id, _, number = identifier.rpartition(":")
            wanted[book_id].add(int(number))
        again, lost = self.judged([book for book in books if book.book_id in wanted], engine, wanted)
        found = {row["page_id"] for row in again}
        second = {identifier: drop for identifier, drop in lost if identifier in failed}
        left: Drops = []
        for identifier, drop in drops:
            if identifier in found:
                continue
            if identifier in second:
                said = second[identifier].detail or second[identifier].reason
                drop = Drop(drop.reason, f"{drop.detail or drop.reason}; read again by {engine}: {said}")
            left.append((identifier, drop))
        order = {book.book_id: place for place, book in enumerate(books)}
        return sorted([*rows, *again], key=lambda row: (order[row["book_id"]], row["page"])), left


def _in_languages(rows: Rows, drops: Drops, languages: Sequence[str]) -> tuple[Rows, Drops]:
    """Return the pages in the wanted languages; a book that is mostly in another one is dropped whole."""
    if not languages:
        return rows, drops
    own: dict[str, Rows] = defaultdict(list)
    for row in rows:
        own[row["book_id"]].append(row)
    kept: Rows = []
    for book_id, pages in own.items():
        main = main_language((page["language"], len(page["text"])) for page in pages)
        if main not in languages:
            count = sum(page["language"] == main for page in pages)
            lost = [i for i, _ in drops if i.rpartition(":")[0] == book_id]
            drops = [(i, drop) for i, drop in drops if i not in set(lost)]
            detail = f"{count} of {len(pages) + len(lost)} pages are in {main}"
            drops.append((book_id, Drop("not_english", detail)))
            continue
        for page in pages:
            if page["language"] in languages:
                kept.append(page)
            else:
                drops.append((page["page_id"], Drop("not_english", f"the page is in {page['language']}")))
    return kept, drops
