"""Edges: running heads, running feet and page numbers, told by their repetition over a book's pages."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from megascience.ingest.pdf.text_layer.lines import Line
from megascience.ingest.pdf.text_layer.paragraphs import usual_leading, usual_size

#: A row at the page's edge is a running head if it stands there on this many pages.
MIN_REPEATS = 3

#: Rows at one edge that are looked at: a book's head or foot has rarely more.
EDGE_ROWS = 3

#: A head is set off from the text by more than this many leadings.
SET_OFF = 1.15

_ROMAN = re.compile(r"(?=[ivxlc])(?:c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})", re.IGNORECASE)
_EDGE_NUMBERS = re.compile(r"^\W*(\d{1,4}|[ivxlc]{1,7})\b|\b(\d{1,4}|[ivxlc]{1,7})\W*$", re.IGNORECASE)
# "Page 3 of 8", "3 / 8", "Seite 3 von 8"
_OF_PAGES = re.compile(r"\b(\d{1,4})\s*(?:of|out of|/|von|sur|de|di|van)\s*(\d{1,4})\b", re.IGNORECASE)
# a heading whose number may happen to be the page's: "Chapter 2" opens page 2
_NUMBERED_PART = re.compile(r"(?:chapter|part|section|unit|lesson|lecture|appendix)\W+\w+\W*", re.IGNORECASE)


def strip_running(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Return the pages without running heads, running feet and page numbers.

    A row at a page's edge, set off from the body, goes if it is only the page's number, or if its text (without
    the page's number) stands at that edge of MIN_REPEATS pages, one of them at most two pages away, or if it
    holds the page's number and is set small or at the height of other rows that go. Page numbers are those that
    keep a constant distance to the page's index over MIN_REPEATS pages, so a result that stands last stays.
    """
    bodies = [list(page) for page in pages]
    leading = usual_leading(bodies)
    body_size = usual_size(bodies)
    repeats = min(MIN_REPEATS, max(2, len(pages)))
    for _ in range(EDGE_ROWS):
        edges = {top: [_edge(body, top, leading) for body in bodies] for top in (True, False)}
        paged = _page_offsets([*edges[True], *edges[False]], len(pages), repeats)
        found = [(index, top) for top in edges for index in _running(edges[top], repeats, paged, body_size)]
        if not found:
            break
        for index, top in found:
            row = set(map(id, edges[top][index]))
            bodies[index] = [line for line in bodies[index] if id(line) not in row]
    return bodies


def _edge(body: Sequence[Line], top: bool, leading: float) -> list[Line]:
    """Return the outermost row's lines, left to right, or none where the row belongs to the body's lines.

    A head of several lines is a block of its own, which a wider gap parts from the body.
    """
    if not body:
        return []
    sign = -1 if top else 1
    lines = sorted(body, key=lambda line: sign * line.baseline)
    row = [line for line in lines if abs(line.baseline - lines[0].baseline) < 2.0]
    before, rows = lines[0].baseline, 1
    for line in lines[len(row) :]:
        step = abs(line.baseline - before)
        if step >= SET_OFF * leading:
            break
        rows += step >= 2.0
        before = line.baseline
        if rows > EDGE_ROWS:
            return []
    return sorted(row, key=lambda line: line.x0)


def _text(row: Sequence[Line]) -> str:
    return " ".join(line.text for line in row)


def _page_offsets(edges: Sequence[Sequence[Line]], pages: int, repeats: int) -> set[int]:
    """Return the differences of page number and page index that hold on `repeats` pages or more."""
    votes: dict[int, set[int]] = defaultdict(set)
    for place, row in enumerate(edges):
        index = place % pages
        for number in _edge_numbers(_text(row)):
            votes[number - index].add(index)
    return {offset for offset, indices in votes.items() if len(indices) >= repeats}


def _running(edges: Sequence[Sequence[Line]], repeats: int, paged: set[int], body_size: float) -> list[int]:
    """Return the indices of the pages whose edge row is a running head."""
    texts = [_text(row) for row in edges]
    numbered = [
        not _NUMBERED_PART.fullmatch(text) and any(n - index in paged for n in _edge_numbers(text))
        for index, text in enumerate(texts)
    ]
    keys = [_key(text, index, paged) for index, text in enumerate(texts)]
    places = defaultdict(list)
    for index, key in enumerate(keys):
        if key:
            places[key].append(index)
    gone = {
        index
        for index, key in enumerate(keys)
        if (numbered[index] and not key)
        or (key and len(places[key]) >= repeats and any(0 < abs(other - index) <= 2 for other in places[key]))
    }
    levels = Counter(round(edges[index][0].baseline) for index in gone)
    styles = Counter((round(edges[index][0].baseline), _style(edges[index])) for index in gone)
    for index, row in enumerate(edges):
        if index in gone or not row:
            continue
        level = round(row[0].baseline)
        if numbered[index]:
            small = all(line.size < 0.95 * body_size and not line.bold for line in row)
            if small or sum(levels[level + step] for step in (-1, 0, 1)) >= repeats:
                gone.add(index)
        elif _style(row) != (round(body_size, 1), False) and not _NUMBERED_PART.fullmatch(texts[index]):
            # a head that changes with each section stands where others do, and is set as they are
            if sum(styles[level + step, _style(row)] for step in (-1, 0, 1)) >= max(repeats, len(edges) // 4):
                gone.add(index)
    return sorted(gone)


def _style(row: Sequence[Line]) -> tuple[float, bool]:
    return round(row[0].size, 1), row[0].bold


def _edge_numbers(text: str) -> list[int]:
    """Return the numbers (arabic or roman) that the text begins or ends with."""
    found = [group for match in _EDGE_NUMBERS.finditer(text) for group in match.groups() if group]
    found += [match[1] for match in _OF_PAGES.finditer(text)]
    return [value for token in found if (value := _number(token)) is not None]


def _number(token: str) -> int | None:
    if token.isdigit():
        return int(token)
    if not _ROMAN.fullmatch(token):
        return None
    values = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
    digits = [values[letter] for letter in token.lower()]
    return sum(-d if d < max(digits[i:]) else d for i, d in enumerate(digits))


def _key(text: str, index: int, paged: set[int]) -> str:
    """Return a row's text without the page's number, for comparison over pages."""

    def blank(match: re.Match[str]) -> str:
        number = _number(match[1] or match[2])
        return " " if number is not None and number - index in paged else match[0]

    def blank_pair(match: re.Match[str]) -> str:
        return " " if int(match[1]) - index in paged else match[0]

    text = _OF_PAGES.sub(blank_pair, text)
    return re.sub(r"[\W_]+", " ", _EDGE_NUMBERS.sub(blank, text)).strip().casefold()
