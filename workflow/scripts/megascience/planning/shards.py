"""BookShards: the shards that the books of the shelf are in."""

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from megascience.ingest.books import Book, read_shelf
from megascience.storage.ids import shard_of
from megascience.storage.layout import UNCLASSIFIED
from megascience.storage.shipped import find_file

#: Asked about each book again and again, for its own shard and for those of its disciplines.
_shard_of = cache(shard_of)


class BookShards:
    """The books of the shelf by (discipline, shard).

    Args:
        shelf: the table of books.
        shards: the number of shards of each discipline.
        unclassified: the number of shards of the books whose disciplines are open.

    Raises:
        InputError: the shelf is faulty.
    """

    def __init__(self, shelf: str, shards: Mapping[str, int], unclassified: int = 1) -> None:
        self.disciplines = list(shards)
        self.counts = {**shards, UNCLASSIFIED: unclassified}
        self.books = read_shelf(find_file(shelf), self.disciplines)

    def shard(self, book: Book, discipline: str) -> str:
        """Return the three digits of the shard that a book has in a discipline."""
        return f"{_shard_of(book.book_id, self.counts[discipline]):03d}"

    def serves(self, book: Book) -> Sequence[str]:
        """Return the disciplines that a book may turn out to serve: all of them where the shelf names none."""
        return book.disciplines or self.disciplines

    def home(self, book: Book) -> tuple[str, str]:
        """Return the (discipline, shard) in which a book is digitized: that of its first discipline."""
        return book.discipline, self.shard(book, book.discipline)

    @cached_property
    def shards(self) -> list[tuple[str, str]]:
        """The (discipline, shard) pairs that hold at least one book, or may when it has been classified."""
        return sorted(self._books)

    @cached_property
    def home_shards(self) -> list[tuple[str, str]]:
        """The (discipline, shard) pairs in which at least one book is digitized."""
        return sorted(self._residents)

    @cached_property
    def _books(self) -> dict[tuple[str, str], list[Book]]:
        """The books by each (discipline, shard) that they serve or may serve: with thousands of books and hundreds
        of shards nobody wants to look through all for each."""
        found: dict[tuple[str, str], list[Book]] = {}
        for book in self.books:
            for discipline in self.serves(book):
                found.setdefault((discipline, self.shard(book, discipline)), []).append(book)
        return found

    @cached_property
    def _residents(self) -> dict[tuple[str, str], list[Book]]:
        """The books by the (discipline, shard) in which they are digitized."""
        found: dict[tuple[str, str], list[Book]] = {}
        for book in self.books:
            found.setdefault(self.home(book), []).append(book)
        return found

    @cached_property
    def _shards(self) -> dict[str, list[str]]:
        """The shards by discipline."""
        found: dict[str, list[str]] = {}
        for discipline, shard in self.shards:
            found.setdefault(discipline, []).append(shard)
        return found

    def shards_of(self, discipline: str) -> list[str]:
        """Return the shards of a discipline that hold a book, or may."""
        return self._shards.get(discipline, [])

    def books_of(self, discipline: str, shard: str) -> list[Book]:
        """Return the books of a shard, whatever their first discipline, and those that may be of the discipline."""
        return self._books.get((discipline, shard), [])

    def books_at_home(self, discipline: str, shard: str) -> list[Book]:
        """Return the books that are digitized in a shard."""
        return self._residents.get((discipline, shard), [])

    def homes(self, discipline: str, shard: str) -> list[tuple[str, str]]:
        """Return the digitized shards that a shard's books come from."""
        return sorted({self.home(book) for book in self.books_of(discipline, shard)})

    def rows(self) -> list[dict[str, Any]]:
        """Return the shelf as plain rows without their line numbers, which would make data stale when a row moves."""
        return [_plain(book) for book in self.books]

    def rows_at_home(self, discipline: str, shard: str) -> list[dict[str, Any]]:
        """Return the plain rows of the books that are digitized in a shard."""
        return [_plain(book) for book in self.books_at_home(discipline, shard)]


def _plain(book: Book) -> dict[str, Any]:
    return {**vars(book), "row": ""}
