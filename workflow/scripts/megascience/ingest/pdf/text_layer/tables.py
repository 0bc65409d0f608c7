"""Tables: rows and columns, told by ruled lines and by the strips of a page that no cell crosses, as Markdown.

A table is ruled (lines over the same width enclose it) or only aligned (rows of short cells that stand below each
other). What is less certain stays text: prose in columns, lists, indexes, matrices and code are not tables.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from megascience.ingest.pdf.text_layer.fonts import UNKNOWN
from megascience.ingest.pdf.text_layer.formulas import plain
from megascience.ingest.pdf.text_layer.glyph import Glyph
from megascience.ingest.pdf.text_layer.glyphs import Bar
from megascience.ingest.pdf.text_repair import clean_text, squeeze

#: A rule of a table is at least this wide, in points.
RULE_WIDTH = 50.0

#: A gap of this many font sizes parts the segments of a row; word spaces stay below it in all but loose lines.
SEGMENT_GAP = 0.75

#: The strip between two columns is at least this wide, in font sizes, where many rows show it, and where few do.
STRIP, WIDE_STRIP = 0.3, 0.8
MANY_ROWS = 6

#: Share of the rows that may cross a strip: heads and titles that go over several columns.
CROSSING = 0.16

#: A table's cells have at most this many characters on average: in one with rules, and in one without.
RULED_CELL, ALIGNED_CELL = 60, 28

#: A label before a row of numbers has at most this many characters on average; a column of prose has more.
LABEL = 38

#: Share of the cells of a table without rules that hold something.
FILLED = 0.5

#: Rows of a table without rules.
ALIGNED_ROWS = 3

_SHORT = re.compile(r"[-–—−+±<>≤≥~≈*†$€£%()]*[\d.,\s/×^]*[\d%)*†‡°-]+\S{0,4}$|.{0,8}$")
_NUMBER = re.compile(r"[-–—−+±<>≤≥~≈$€£(]*\s?\d[\d.,\s]*\D{0,4}$|[-–—]$")
_UNIT = re.compile(r"[$€£¥(]$"), re.compile(r"[%)*†‡]+$")
_BRACKET = set("⎛⎞⎡⎤⎣⎦⎢⎥⎧⎫⎩⎭⎨⎬⎪⎝⎠⎜⎟")
_LEADER = re.compile(r"(?:\s?[.…·]){4}|…$|\s…\s")
_EQUATION_NUMBER = re.compile(r"\(\w{0,3}\.?\d+(?:\.\d+)*[a-z]?\)$")
_RELATION = re.compile(r"[=<>≤≥≈∼≡→+−∈⊂]\s|.*\s[=<>≤≥≈∼≡→+−∈⊂]$")


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the indices of its glyphs."""

    text: str
    members: frozenset[int]
    x0: float
    x1: float
    y0: float
    y1: float
    size: float


@dataclass(slots=True)
class _Row:
    """Glyphs on one height, as segments that wide gaps part; each segment has (x0, x1, indices)."""

    base: float
    y0: float
    y1: float
    size: float
    segments: list[tuple[float, float, list[int]]]


def find_tables(glyphs: Sequence[Glyph], bars: Sequence[Bar]) -> list[Table]:
    """Return the tables of a page, from the top; no glyph is in two of them.

    Args:
        glyphs: the page's glyphs with their formulas put together.
    """
    rows = _rows(glyphs)
    if sum(len(row.segments) > 1 for row in rows) < 2:
        return []
    tables: list[Table] = []
    taken: set[int] = set()
    for x0, x1, ys in _frames(bars):
        for part in _ruled(rows, x0, x1, ys):
            whole = _with_labels(rows, part, glyphs)
            table = _table(glyphs, whole, [], ruled=False) if whole else None
            table = table or _table(glyphs, part, ys, ruled=True)
            if table and not table.members & taken:
                tables.append(table)
                taken |= table.members
    left = [row for row in rows if not any(index in taken for s in row.segments for index in s[2])]
    for part in _aligned(left, glyphs):
        table = _table(glyphs, part, [], ruled=False)
        if table:
            tables.append(table)
    return sorted(tables, key=lambda table: -table.y1)


def _rows(glyphs: Sequence[Glyph]) -> list[_Row]:
    """Return the rows of a page from the top; scripts belong to the row beside them."""
    heights: dict[float, list[int]] = {}
    for index, glyph in enumerate(glyphs):
        heights.setdefault(glyph.base, []).append(index)
    groups: list[list[int]] = []
    top = 0.0
    for base in sorted(heights, reverse=True):
        size = max(glyphs[i].size for i in (heights[base][0], heights[base][-1]))
        if groups and top - base < 0.35 * max(size, glyphs[groups[-1][0]].size):
            groups[-1] += heights[base]
        else:
            groups.append(list(heights[base]))
            top = base
    rows = []
    for group in groups:
        group.sort(key=lambda i: glyphs[i].x0)
        size = sorted(glyphs[i].size for i in group)[len(group) // 2]
        segments: list[tuple[float, float, list[int]]] = []
        own: list[int] = []
        end = 0.0
        for index in group:
            glyph = glyphs[index]
            if segments and glyph.x0 - end < SEGMENT_GAP * size:
                own.append(index)
                end = max(end, glyph.x1)
                segments[-1] = (segments[-1][0], end, own)
            else:
                own, end = [index], glyph.x1
                segments.append((glyph.x0, end, own))
        rows.append(
            _Row(
                max(glyphs[i].base for i in group),
                min(glyphs[i].y0 for i in group),
                max(glyphs[i].y1 for i in group),
                size,
                segments,
            )
        )
    return rows


def _frames(bars: Sequence[Bar]) -> Iterator[tuple[float, float, list[float]]]:
    """Yield (x0, x1, heights from the top) of ruled lines over the same width; the pieces of a line are joined."""
    lines: list[Bar] = []
    for bar in sorted(bars, key=lambda bar: (round(bar.y), bar.x0)):
        if lines and abs(lines[-1].y - bar.y) < 1.5 and bar.x0 - lines[-1].x1 < 12.0:
            lines[-1] = Bar(min(lines[-1].x0, bar.x0), max(lines[-1].x1, bar.x1), lines[-1].y)
        else:
            lines.append(bar)
    frames: list[tuple[float, float, list[float]]] = []
    for line in sorted(lines, key=lambda line: line.x0 - line.x1):
        if line.x1 - line.x0 < RULE_WIDTH:
            continue
        same = next((f for f in frames if abs(f[0] - line.x0) < 6 and abs(f[1] - line.x1) < 6), None)
        if same:
            same[2].append(line.y)
        else:
            frames.append((line.x0, line.x1, [line.y]))
    for x0, x1, ys in frames:
        if len(ys) > 1:
            yield x0, x1, sorted(ys, reverse=True)


def _ruled(rows: Sequence[_Row], x0: float, x1: float, ys: Sequence[float]) -> Iterator[list[_Row]]:
    """Yield the rows of each run of bands between rules that hold cells and no prose."""
    part: list[_Row] = []
    for top, bottom in zip(ys, ys[1:], strict=False):
        band = []
        for row in rows:
            if bottom - 1 < row.base < top and (row.y0 + row.y1) / 2 > bottom - 1:
                inside = [s for s in row.segments if x0 - 4 < (s[0] + s[1]) / 2 < x1 + 4]
                if inside:
                    band.append(_Row(row.base, row.y0, row.y1, row.size, inside))
        prose = sum(
            len(row.segments) == 1 and row.segments[0][1] - row.segments[0][0] > 0.7 * (x1 - x0) for row in band
        )
        if band and prose <= 0.3 * len(band):
            part += band
        elif band:
            if part:
                yield part
            part = []
    if part:
        yield part


def _with_labels(rows: Sequence[_Row], part: Sequence[_Row], glyphs: Sequence[Glyph]) -> list[_Row]:
    """Return the rows with the labels that stand before a frame of rules over the numbers only; none without labels."""
    bases = {row.base for row in part}
    left = min(s[0] for row in part for s in row.segments)
    whole = [row for row in rows if row.base in bases]
    outside = [s for row in whole for s in row.segments if s[1] < left]
    if len(outside) < 0.4 * len(part) or sum(len(s[2]) for s in outside) > LABEL * len(outside):
        return []
    first, last = rows.index(whole[0]), rows.index(whole[-1])
    widest = max(x1 - x0 for x0, x1, _ in outside)
    for inside, beyond in ((first, first - 1), (last, last + 1)):
        # a column of prose goes on above or below
        if 0 <= beyond < len(rows) and abs(rows[beyond].base - rows[inside].base) < 1.6 * rows[inside].size:
            if any(s[1] < left and s[1] - s[0] > 0.6 * widest for s in rows[beyond].segments):
                return []
    if first and len(rows[first - 1].segments) == 1 and rows[first - 1].base - whole[0].base < 2 * whole[0].size:
        whole.insert(0, rows[first - 1])  # a head over the columns
    return whole


def _aligned(rows: Sequence[_Row], glyphs: Sequence[Glyph]) -> Iterator[list[_Row]]:
    """Yield runs of rows with several cells; a row of one cell may stand between two of them, or over the first."""
    run: list[_Row] = []

    def whole(found: list[_Row]) -> list[_Row]:
        while found and len(found[-1].segments) < 2:
            found = found[:-1]
        while len(found) > 1 and len(found[0].segments) < 2 and len(found[1].segments) < 2:
            found = found[1:]
        return found if sum(len(row.segments) > 1 for row in found) >= ALIGNED_ROWS else []

    for row in rows:
        code = all(glyphs[i].mono for s in row.segments for i in s[2])
        tall = any(
            glyphs[i].text in _BRACKET or glyphs[i].y1 - glyphs[i].y0 > 1.6 * row.size
            for s in row.segments
            for i in s[2]
        )
        # parts of a formula stand at the heights of each other's; the rows of a table do not
        tall = tall or bool(run and row.y1 > run[-1].y0 + 0.35 * row.size)
        far = run and run[-1].base - row.base > 2.6 * max(row.size, run[-1].size)
        single = run and len(row.segments) < 2 and len(run[-1].segments) < 2
        if code or tall or far or single:
            if found := whole(run):
                yield found
            run = [] if code or tall else [row]
            continue
        run.append(row)
    if found := whole(run):
        yield found


def _table(glyphs: Sequence[Glyph], rows: Sequence[_Row], ys: Sequence[float], ruled: bool) -> Table | None:
    """Return the table of some rows, or None where they are none."""
    size = median(row.size for row in rows)
    strips = _strips(rows, size)
    if not ruled:
        rows, strips = _trimmed(rows, strips, size)
    if not strips or len(rows) < 2:
        return None
    cells = [_cells(glyphs, row, strips) for row in rows]
    cells = _units(_joined(cells, rows, ys))
    grid = [[text for text, _ in row] for row in cells]
    if len(grid) < 2 or len(grid[0]) < 2 or not _is_table(grid, ruled):
        return None
    members = frozenset(index for row in rows for s in row.segments for index in s[2])
    own = [glyphs[i] for i in members]
    return Table(
        markdown(_with_spans(cells)),
        members,
        min(g.x0 for g in own),
        max(g.x1 for g in own),
        min(g.y0 for g in own),
        max(g.y1 for g in own),
        size,
    )


def _strips(rows: Sequence[_Row], size: float) -> list[float]:
    """Return the middles of the strips that hardly any row of several cells crosses."""
    several = [row for row in rows if len(row.segments) > 1]
    if len(several) < 2:
        return []
    usual = median(len(row.segments) for row in several)
    several = [row for row in several if len(row.segments) >= 0.6 * usual]  # titles inside a table have fewer cells
    left = min(s[0] for row in several for s in row.segments)
    right = max(s[1] for row in several for s in row.segments)
    cover = [0] * (2 * int(right - left) + 4)  # half points
    for row in several:
        for x0, x1, _ in row.segments:
            for place in range(int(2 * (x0 - left)), int(2 * (x1 - left)) + 1):
                cover[place] += 1
    few = int(CROSSING * len(several))
    wide = 2 * size * (STRIP if len(several) >= MANY_ROWS else WIDE_STRIP)
    strips, start = [], None
    for place, count in enumerate(cover):
        if count <= few and start is None:
            start = place
        elif count > few and start is not None:
            if start > 0 and place - start >= wide:
                strips.append(left + (start + place) / 4)
            start = None
    return strips


def _trimmed(rows: Sequence[_Row], strips: list[float], size: float) -> tuple[Sequence[_Row], list[float]]:
    """Return the rows without those at the ends that do not keep to the strips, and the strips of the others."""

    def keeps(row: _Row) -> bool:
        return not any(x0 < strip < x1 for x0, x1, _ in row.segments for strip in strips)

    rows = list(rows)
    while rows and len(rows[-1].segments) < 2 or (rows and not keeps(rows[-1])):
        rows.pop()
    while rows and len(rows[0].segments) < 2 and not keeps(rows[0]):
        rows.pop(0)
    return rows, strips


def _cells(glyphs: Sequence[Glyph], row: _Row, strips: Sequence[float]) -> list[tuple[str, int]]:
    """Return the (text, number of columns) of each column of a row; a cell over several is in the first of them."""
    parts: list[list[int]] = [[] for _ in range(len(strips) + 1)]
    spans = [1] * (len(strips) + 1)
    for x0, x1, own in row.segments:
        first = sum(strip <= x0 + 0.5 for strip in strips)
        last = sum(strip < x1 - 0.5 for strip in strips)
        if first == last or any(_is_one(glyphs[a], glyphs[b]) for a, b in _steps(glyphs, own, strips)):
            parts[first] += own  # one cell over several columns
            spans[first] = max(spans[first], last - first + 1)
        else:
            for index in own:
                middle = (glyphs[index].x0 + glyphs[index].x1) / 2
                parts[sum(strip < middle for strip in strips)].append(index)
    return [(_text([glyphs[i] for i in part]), span) for part, span in zip(parts, spans, strict=True)]


def _is_one(a: Glyph, b: Glyph) -> bool:
    """Whether two glyphs on the sides of a strip belong to one cell: they touch, or words stand a space apart."""
    gap = (b.x0 - a.x1) / max(a.size, b.size)
    return gap < 0.25 or (gap < 0.5 and a.text[-1:].isalpha() and b.text[:1].isalpha())


def _steps(glyphs: Sequence[Glyph], own: Sequence[int], strips: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Yield the neighbours in a segment that stand on two sides of a strip."""
    for a, b in zip(own, own[1:], strict=False):
        for strip in strips:
            if (glyphs[a].x0 + glyphs[a].x1) / 2 < strip <= (glyphs[b].x0 + glyphs[b].x1) / 2:
                yield a, b


def _text(glyphs: Sequence[Glyph]) -> str:
    if not glyphs:
        return ""
    size = max(glyph.size for glyph in glyphs)
    own = [
        glyph._replace(lead=" " if glyph.lead or (before and glyph.x0 - before.x1 > 0.4 * size) else "")
        for before, glyph in zip([None, *glyphs], glyphs, strict=False)
    ]
    return squeeze(clean_text(plain(own)))


def _joined(
    cells: list[list[tuple[str, int]]], rows: Sequence[_Row], ys: Sequence[float]
) -> list[list[tuple[str, int]]]:
    """Return the rows with the lines of one cell joined.

    Where rules part most rows, a row is what stands between two of them. Else a line with one filled cell goes to
    the row next to it that stands closer than rows usually do.
    """
    bands = [sum(y > row.base for y in ys) for row in rows]
    if len(set(bands)) > 2:
        result: list[list[tuple[str, int]]] = []
        for i, own in enumerate(cells):
            if i and bands[i] == bands[i - 1]:
                if any(_NUMBER.match(a) and _NUMBER.match(b) for (a, _), (b, _) in zip(cells[i - 1], own, strict=True)):
                    break  # two rows of numbers
                result[-1] = _merged(result[-1], own)
            else:
                result.append(own)
        else:
            return result
    filled = [[i for i, (text, _) in enumerate(own) if text] for own in cells]
    full = [i for i, columns in enumerate(filled) if len(columns) > 1]
    pitch = median([rows[a].base - rows[b].base for a, b in zip(full, full[1:], strict=False)] or [0])
    home = list(range(len(rows)))
    for i, columns in enumerate(filled):
        if len(columns) == 1 and full and cells[i][columns[0]][1] == 1:
            distances = [abs(rows[other].base - rows[i].base) for other in full]
            nearest = full[distances.index(min(distances))]
            if min(distances) < 0.8 * pitch and columns[0] in (*filled[nearest], 0):
                home[i] = nearest
    merged: dict[int, list[tuple[str, int]]] = {}
    for row, texts in zip(home, cells, strict=True):
        merged[row] = _merged(merged[row], texts) if row in merged else texts
    return list(merged.values())


def _merged(above: list[tuple[str, int]], below: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return [
        (f"{a[:-1]}{b}" if a.endswith("-") and b[:1].islower() else f"{a} {b}".strip(), max(x, y))
        for (a, x), (b, y) in zip(above, below, strict=True)
    ]


def _units(cells: list[list[tuple[str, int]]]) -> list[list[tuple[str, int]]]:
    """Return the cells without columns that hold nothing but the signs of the numbers beside them."""
    column = 0
    while column < len(cells[0]):
        texts = [row[column][0] for row in cells if row[column][0] and row[column][1] == 1]
        if texts and len(cells[0]) > 2:
            for sign, other in ((_UNIT[0], column + 1), (_UNIT[1], column - 1)):
                if 0 <= other < len(cells[0]) and all(sign.match(text) for text in texts):
                    low = min(column, other)
                    cells = [[*row[:low], _pair(row[low], row[low + 1]), *row[low + 2 :]] for row in cells]
                    break
            else:
                column += 1
                continue
            continue
        column += 1
    return cells


def _pair(a: tuple[str, int], b: tuple[str, int]) -> tuple[str, int]:
    span = max(1, a[1] - 1, b[1] - (not a[0]) if not a[0] else 1)
    return (a[0] + b[0], span)


def _is_table(grid: Sequence[Sequence[str]], ruled: bool) -> bool:
    """Whether a grid of texts reads like a table."""
    filled = [text for row in grid for text in row if text]
    rows = sum(sum(bool(text) for text in row) > 1 for row in grid)
    if rows < 2 or rows < 0.5 * len(grid) or any(_LEADER.search(text) for text in filled):
        return False
    mean = sum(map(len, filled)) / len(filled)
    if ruled:
        return mean <= RULED_CELL
    columns = list(zip(*grid, strict=True))
    if len(filled) < FILLED * len(grid) * len(columns):  # the labels of a figure
        return False
    drawn = sum(not any(c.isalnum() for c in text) and not _NUMBER.match(text) for text in filled)
    if drawn > 0.15 * len(filled) or any(UNKNOWN in text or text.startswith((". ", ", ")) for text in filled):
        return False
    formulas = sum(bool(_RELATION.match(text) or _EQUATION_NUMBER.match(text)) for text in filled)
    if formulas > 0.15 * len(filled):
        return False
    short = [
        sum(bool(_SHORT.match(text)) for text in column if text) >= 0.7 * sum(bool(text) for text in column)
        for column in columns[1:]
    ]
    numeric = [
        sum(bool(_NUMBER.match(text)) for text in column if text) >= 0.5 * max(1, sum(bool(text) for text in column))
        for column in columns
    ]
    if mean > ALIGNED_CELL or rows < ALIGNED_ROWS or rows < 0.6 * len(grid):
        return False
    if len(columns) == 2:
        # numbers that only grow beside titles are a table of contents
        values = [int(text) for text in columns[1] if text.isascii() and text.isdigit()]
        contents = not numeric[0] and len(values) > 2 and values == sorted(values)
        return numeric[1] and not contents
    return sum(short) >= 0.5 * len(short) and any(numeric)


def _with_spans(cells: list[list[tuple[str, int]]]) -> list[list[str]]:
    """Return the texts, where a head over several columns is repeated in each of them; a title keeps to its first."""
    grid = []
    body = False
    for row in cells:
        body = body or sum(bool(_NUMBER.match(text)) for text, _ in row) > 1
        heads = not body and (sum(bool(text) for text, _ in row) > 1 or not row[0][0])
        texts = [text for text, _ in row]
        for column, (text, span) in enumerate(row):
            for other in range(column + 1, min(column + span, len(row))):
                if heads and text and not texts[other]:
                    texts[other] = text
        grid.append(texts)
    return grid


def markdown(grid: Sequence[Sequence[str]]) -> str:
    """Return a grid as a Markdown table; its first row is the head, which is left empty where it holds numbers only."""
    rows = [[text.replace("\n", " ").replace("|", "\\|") for text in row] for row in grid]
    if all(_NUMBER.match(text) for text in rows[0] if text):
        rows.insert(0, [""] * len(rows[0]))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
