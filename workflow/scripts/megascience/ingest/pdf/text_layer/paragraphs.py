"""Paragraphs: a page's lines in reading order as paragraphs."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from megascience.ingest.pdf.text_layer.lines import Line
from megascience.ingest.pdf.text_repair import (
    LINE_HYPHEN,
    ends_broken,
    is_solution_start,
    is_unit_start,
    join_lines,
    runs_on,
)

#: What stands between two cells of one row.
CELL = "   "

#: A gap between baselines of more than this many leadings parts paragraphs.
PARAGRAPH_GAP = 1.3

#: Lines before and after a line that show its block's right edge, and how many of them must end there.
WINDOW, ALIGNED = 4, 3

#: A line that begins this many font sizes from the left edge is displayed, not indented.
DISPLAYED = 6.0

#: A footnote is set at most at this share of the usual size.
NOTE_SIZE = 0.93

_NOTE = re.compile(r"[⁰¹²³⁴-⁹]+ |[*†‡§¶]")
_BULLET = re.compile(r"(?:[•▪●◦‣∙–—*-]|\(?(?:[a-z]|[ivx]{1,4}|\d{1,3})[.)])\s+\S")
_SENTENCE_END = re.compile(r"[.!?:][)\]”’\"']*$")
_PIECE = re.compile(r"[⎛⎞⎡⎤⎣⎦⎢⎥⎧⎫⎩⎭⎨⎬⎪⎝⎠⎜⎟|‖∥\s\ufe00-\ufe0f]+")
_ENTRY = re.compile(r"…\s*\w+$|\s{3}(?:\d{1,4}|[ivxl]+)$")


def paragraphs(lines: Sequence[Line], size: float, leading: float, width: float, vocabulary: Counter[str]) -> list[str]:
    """Return the paragraphs of a page's lines in reading order.

    Footnotes come last, but before a paragraph that goes on over the page's end.

    Args:
        size: the book's usual font size.
        leading: the book's usual distance between baselines.
        width: the book's usual width of a text column.
        vocabulary: the book's words, to fix those cut at line ends.
    """
    rows = _rows(lines)
    notes = _footnotes(rows, size)
    body = _joined([row for i, row in enumerate(rows) if i not in notes], width, leading, vocabulary)
    below = _joined([row for i, row in enumerate(rows) if i in notes], width, leading, vocabulary)
    if body and not _SENTENCE_END.search(body[-1]):
        return [*body[:-1], *below, body[-1]]
    return [*body, *below]


def _footnotes(rows: Sequence[Line], size: float) -> set[int]:
    """Return the indices of footnotes: small text at the end of a column that begins with a mark."""
    notes: set[int] = set()
    end = len(rows)
    while end:
        start = end
        while start and rows[start - 1].column == rows[end - 1].column and rows[start - 1].size < NOTE_SIZE * size:
            start -= 1
        first = next((i for i in range(start, end) if _NOTE.match(rows[i].text)), end)
        if start and rows[start - 1].column == rows[end - 1].column:  # there is body text above
            notes.update(range(first, end))
        column = rows[end - 1].column
        while end and rows[end - 1].column == column:
            end -= 1
    return notes


def _joined(rows: Sequence[Line], width: float, leading: float, vocabulary: Counter[str]) -> list[str]:
    """Return the paragraphs of rows that follow each other."""
    rights = _right_edges(rows, width)
    lefts = {column: _left_edge([row for row in rows if row.column == column]) for column in {r.column for r in rows}}
    result: list[str] = []
    for index, row in enumerate(rows):
        if not result:
            result.append(row.text)
            block = row
            continue
        joint = _joint(rows[index - 1], row, lefts[row.column], rights[index - 1], leading)
        if joint == "flow" or (joint == "jump" and runs_on(result[-1], row.text)):
            head, newline, last = result[-1].rpartition("\n")
            result[-1] = head + newline + join_lines(last, row.text, vocabulary)
        elif joint == "line":
            result[-1] += "\n" + _indent(row, block.x0) + row.text
        else:
            result.append(row.text)
            block = row
    return [text.replace(LINE_HYPHEN, "-") for text in result]


def _indent(row: Line, x0: float) -> str:
    """Return the white space before a line of code in a block whose first line begins at x0."""
    if not row.mono or row.x1 <= row.x0:
        return ""
    return " " * max(0, round((row.x0 - x0) * len(row.text) / (row.x1 - row.x0)))


def _rows(lines: Sequence[Line]) -> list[Line]:
    """Return the lines with the cells of a row joined, and without those that are pieces of a tall bracket."""
    rows: list[Line] = []
    for line in lines:
        if _PIECE.fullmatch(line.text) and len(lines) > 1:
            continue
        if rows and _same_row(rows[-1], line):
            last = rows[-1]
            rows[-1] = replace(
                last,
                text=last.text + (CELL if line.x0 - last.x1 > last.size else " ") + line.text,
                x1=line.x1,
                y0=min(last.y0, line.y0),
                y1=max(last.y1, line.y1),
                bold=last.bold and line.bold,
                mono=last.mono and line.mono,
            )
        else:
            rows.append(line)
    return rows


def _same_row(a: Line, b: Line) -> bool:
    return (
        a.column == b.column
        and not (a.table or b.table)
        and b.x0 >= a.x1 - 1
        and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.5 * min(a.y1 - a.y0, b.y1 - b.y0)
    )


def _joint(a: Line, b: Line, left: float, right: float, leading: float) -> str:
    """Return how row b follows row a: "flow", "line", "paragraph", or "jump" to another column or place."""
    drop = a.baseline - b.baseline
    if a.table or b.table:
        return "paragraph"
    if a.column != b.column or drop < -0.5 * leading:
        return "jump" if _same_style(a, b) else "paragraph"
    if drop > PARAGRAPH_GAP * leading * max(1.0, min(a.size, b.size) / 10):
        return "paragraph"
    if a.mono and b.mono:
        return "line"
    if ends_broken(a.text):
        return "flow"
    if not _same_style(a, b):
        return "paragraph"
    table = CELL in a.text or CELL in b.text or _ENTRY.search(a.text) or _ENTRY.search(b.text)
    fits = a.x1 + 0.3 * a.size + b.first_word < right - 0.3 * a.size
    ended = bool(_SENTENCE_END.search(a.text))
    indented = 0.6 * b.size < b.x0 - left < 5 * b.size and b.x0 - a.x0 > 0.6 * b.size
    if not table and indented and (ended or fits):
        return "paragraph"
    if ended and is_solution_start(b.text):
        return "paragraph"
    if (ended or fits or table) and (is_unit_start(b.text) or _BULLET.match(b.text)):
        return "line" if _ENTRY.search(b.text) else "paragraph"
    if table:
        return "line"
    far, near = sorted((a.x0 - left, b.x0 - left), reverse=True)
    if far > DISPLAYED * b.size and near < 2 * b.size:  # a formula in the middle
        return "line"
    if fits:
        return "paragraph" if ended and not b.text[:1].islower() else "line"
    return "flow"


def _left_edge(rows: Sequence[Line]) -> float:
    starts = sorted(row.x0 for row in rows)
    return starts[len(starts) // 10]


def _same_style(a: Line, b: Line) -> bool:
    return a.bold == b.bold and abs(a.size - b.size) <= 0.15 * max(a.size, b.size)


def _right_edges(rows: Sequence[Line], width: float) -> list[float]:
    """Return for each row the right edge of the block that it stands in.

    Lines around it that end at one x show the edge; where there are none (a ragged text, a list of short lines),
    it is the edge of the column.
    """
    columns = {}
    for column in {row.column for row in rows}:
        mine = [row for row in rows if row.column == column]
        ends = sorted(row.x1 for row in mine)
        edge = ends[min(len(ends) - 1, 9 * len(ends) // 10)]
        columns[column] = edge if column else max(edge, _left_edge(mine) + width)
    edges = []
    for index, row in enumerate(rows):
        near = [r.x1 for r in rows[max(0, index - WINDOW) : index + WINDOW + 1] if r.column == row.column]
        edge = max(near)
        edges.append(edge if sum(x1 > edge - 2.0 for x1 in near) >= ALIGNED else columns[row.column])
    return edges


def usual_leading(pages: Sequence[Sequence[Line]]) -> float:
    """Return the median distance of baselines of lines that follow each other closely; 12 where there are none."""
    drops = [
        drop
        for page in pages
        for a, b in zip(page, page[1:], strict=False)
        if 0.6 * a.size < (drop := a.baseline - b.baseline) < 2.2 * a.size
    ]
    return median(drops) if drops else 12.0


def usual_size(pages: Sequence[Sequence[Line]]) -> float:
    """Return the font size of most of a book's text."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page:
            sizes[round(line.size, 1)] += len(line.text)
    return max(sizes, key=lambda size: (sizes[size], size), default=10.0)


def text_width(pages: Sequence[Sequence[Line]]) -> float:
    """Return the median over the pages of the width that most of a page's long lines have."""
    widths = []
    for page in pages:
        own = sorted(line.x1 - line.x0 for line in page)
        if len(own) >= 5:
            widths.append(own[9 * len(own) // 10])
    return median(widths) if widths else 0.0
