"""Columns: where a page's text columns are, and its lines in reading order."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from megascience.ingest.pdf.text_layer.lines import Line

#: A page shows its columns by at least this many lines in each, most of them filling the column ...
COLUMN_LINES = 8
#: ... or by this many at a gutter that other pages of the book have.
KNOWN_COLUMN_LINES = 4

#: A line fills its column if it takes this share of the width.
FILL = 0.7

Gutters = tuple[float, ...]


def order_columns(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Return each page's lines in reading order with their column numbers.

    The order of the page's content is kept where it reads one column after the other, as typesetters write it.
    Where it goes line by line across the page, the columns are sorted, band by band between lines that go over
    the full width.
    """
    own = [_gutters(page) for page in pages]
    known = [gutters for gutters, _ in Counter(tuple(map(round, g)) for g in own if g).most_common(4)]
    return [_ordered(page, gutters or _known_gutters(page, known)) for page, gutters in zip(pages, own, strict=True)]


def _ordered(lines: Sequence[Line], gutters: Gutters) -> list[Line]:
    if not gutters:
        return list(lines)
    placed = [replace(line, column=_column(line, gutters)) for line in lines]
    across = sum(
        0 < a.column < b.column and abs(a.baseline - b.baseline) < 0.3 * a.size
        for a, b in zip(placed, placed[1:], strict=False)
    )
    if across < 0.5 * sum(line.column == 1 for line in placed):
        return placed
    spanning = [line.baseline for line in placed if not line.column]

    def place(line: Line) -> tuple[int, int, float, float]:
        band = sum(baseline > line.baseline for baseline in spanning)
        return (2 * band + (line.column == 0), line.column, -line.baseline, line.x0)

    return sorted(placed, key=place)


def _column(line: Line, gutters: Gutters) -> int:
    if any(line.x0 < gutter - 1 and line.x1 > gutter + 1 for gutter in gutters):
        return 0
    return 1 + sum(line.x0 + line.x1 > 2 * gutter for gutter in gutters)


def _gutters(lines: Sequence[Line]) -> Gutters:
    """Return the x of each gutter between text columns, from the left; none on a page with one column.

    A gutter is a strip that hardly any line crosses, between columns of lines that mostly fill them; the cells
    of a table do not.
    """
    if len(lines) < 2 * COLUMN_LINES:
        return ()
    left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
    cover = [0] * (int(right - left) + 2)
    for line in lines:
        for x in range(int(line.x0 - left), int(line.x1 - left) + 1):
            cover[x] += 1
    few = max(1, len(lines) // 12)
    strips, start = [], None
    for x, count in enumerate([*cover, len(lines)]):
        if count <= few and start is None:
            start = x
        elif count > few and start is not None:
            strips.append((left + start, left + x))
            start = None
    gutters = tuple((a + b) / 2 for a, b in strips if b - a >= 5 and a > left + 1 and b < right - 1)
    return gutters if gutters and _columns_hold(lines, gutters, COLUMN_LINES, 0.5) else ()


def _known_gutters(lines: Sequence[Line], known: Sequence[Gutters]) -> Gutters:
    """Return those of the book's gutters that the page shows."""
    return next((gutters for gutters in known if _columns_hold(lines, gutters, KNOWN_COLUMN_LINES, 0.0)), ())


def _columns_hold(lines: Sequence[Line], gutters: Gutters, full: int, share: float) -> bool:
    """Whether each column has `full` lines that fill it, and they are this share of its lines."""
    for column in range(1, len(gutters) + 2):
        inside = [line for line in lines if _column(line, gutters) == column]
        if not inside:
            return False
        width = max(line.x1 for line in inside) - min(line.x0 for line in inside)
        filling = sum(line.x1 - line.x0 > FILL * width for line in inside)
        if filling < max(full, share * len(inside)):
            return False
    return True
