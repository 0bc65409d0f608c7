"""Lines: a page's glyphs as lines of text with their places."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from megascience.ingest.pdf.text_layer.formulas import SCRIPT_SIZE, main_line, plain
from megascience.ingest.pdf.text_layer.glyph import Glyph
from megascience.ingest.pdf.text_layer.tables import Table
from megascience.ingest.pdf.text_repair import LINE_HYPHEN, clean_text, squeeze

#: A gap of this many font sizes inside a line parts columns or the cells of a table; word spaces stay below 1.
CELL_GAP = 1.8


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, or one cell of it where a wide gap parts the line.

    Attributes:
        x0, x1, y0, y1: the box of its ink.
        baseline, size: of most of its characters.
        bold, mono: of all its characters.
        first_word: width of the first word; of the first two where that is a number.
        table: the text is a whole table.
        column: 0 for text over the full width, else the number of its column from the left.
    """

    text: str
    x0: float
    x1: float
    y0: float
    y1: float
    baseline: float
    size: float
    bold: bool = False
    mono: bool = False
    first_word: float = 0.0
    column: int = 0
    table: bool = False


def lines_of(glyphs: Sequence[Glyph], tables: Sequence[Table] = ()) -> list[Line]:
    """Return the lines of a page in the order of its content; those without text are left out.

    A table is one line, at the place of its first glyph.
    """
    starts = {min(table.members): table for table in tables}
    inside = frozenset().union(*(table.members for table in tables))
    lines: list[Line] = []
    run: list[Glyph] = []
    for index, glyph in enumerate(glyphs):
        if table := starts.get(index):
            lines += map(_line, _rows(run))
            run = []
            lines.append(_table_line(table))
        if index not in inside:
            run.append(glyph)
    lines += map(_line, _rows(run))
    return [line for line in lines if line.text]


def _table_line(table: Table) -> Line:
    return Line(table.text, table.x0, table.x1, table.y0, table.y1, table.y1 - table.size, table.size, table=True)


def _rows(glyphs: Sequence[Glyph]) -> Iterator[list[Glyph]]:
    """Yield the glyphs of each line.

    PDFium ends a line wherever the baseline jumps, also at a stacked sub- and superscript or a tall bracket: a line
    that goes on to the right at the same height is not a new line.
    """
    row: list[Glyph] = []
    for glyph in glyphs:
        if row and (_ends(row, glyph) or _gaps(row[-1], glyph)):
            yield row
            row = []
        row.append(glyph)
    if row:
        yield row


def _gaps(a: Glyph, b: Glyph) -> bool:
    """Whether a wide gap parts two glyphs of one line; in code it is white space as any other."""
    return b.x0 - a.x1 > CELL_GAP * max(a.size, b.size) and not (a.mono and b.mono)


def _ends(row: list[Glyph], glyph: Glyph) -> bool:
    """Whether the row ends before the glyph."""
    last = row[-1]
    if "\n" not in glyph.lead:
        return False
    if last.broken:
        return True
    size = max(last.size, glyph.size)
    gap = glyph.x0 - last.x1
    if -0.1 * size < gap < CELL_GAP * size:
        # at the height of what stands before, or of the bracket or script that stands between
        if any(abs(before.base - glyph.base) < 0.1 * size for before in row[-6:]):
            return False
        if min(last.y1, glyph.y1) - max(last.y0, glyph.y0) > 0.5 * min(last.y1 - last.y0, glyph.y1 - glyph.y0):
            return False
    rise = abs(glyph.base - last.base)
    if glyph.size < SCRIPT_SIZE * last.size:
        return not (-0.2 * size < gap < 0.4 * size and rise < 0.8 * size)
    # the other script of a stack starts where the first one did
    stacked = last.size == glyph.size < SCRIPT_SIZE * max(before.size for before in row[-6:])
    return not (stacked and -3 * size < gap < 0 and 0.3 * size < rise < 1.6 * size)


def _line(row: Sequence[Glyph]) -> Line:
    size, base = main_line(row)
    mono = all(glyph.mono for glyph in row)
    text = squeeze(clean_text(_typewriter(row) if mono else plain(row, line=True)))
    if row[-1].broken:
        text = text[:-1] + LINE_HYPHEN
    ends = [i for i, glyph in enumerate(row) if i and glyph.lead] + [len(row)] * 2
    word_end = ends[row[0].text.isdigit()]  # a number is kept on one line with its unit
    x0 = min(glyph.x0 for glyph in row)
    return Line(
        text=text,
        x0=x0,
        x1=max(glyph.x1 for glyph in row),
        y0=min(glyph.y0 for glyph in row),
        y1=max(glyph.y1 for glyph in row),
        baseline=base,
        size=size,
        bold=all(glyph.bold for glyph in row),
        mono=mono,
        first_word=max(glyph.x1 for glyph in row[:word_end]) - x0,
    )


def _typewriter(row: Sequence[Glyph]) -> str:
    """Return a line of code with as many spaces as its columns show."""
    centres = [(glyph.x0 + glyph.x1) / 2 for glyph in row]
    steps = [b - a for a, b, glyph in zip(centres, centres[1:], row[1:], strict=False) if not glyph.lead]
    pitch = max(median(steps) if steps else 0.6 * row[0].size, 0.2 * row[0].size)  # 0.6 em is Courier's
    text = row[0].text
    for a, b, glyph in zip(centres, centres[1:], row[1:], strict=False):
        text += " " * max(1 if glyph.lead else 0, round((b - a) / pitch) - 1) + glyph.text
    return text
