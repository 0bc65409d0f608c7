"""Glyphs: what stands where on a page, by PDFium. Lengths are in points, y grows upwards."""

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

#: Path objects that are looked at on one page; vector graphics can have hundreds of thousands.
MAX_PATHS = 20_000

#: A page with more bars than this is a drawing, whose lines are no fractions.
MAX_BARS = 400

#: A ruled line that can be the bar of a fraction or a root is at most this thick and at least this wide.
BAR_THICKNESS, BAR_WIDTH = 2.0, 2.5

# by name, since the flags of a font descriptor are often wrong (TeX's typewriter is not marked as fixed pitch)
_MONO = re.compile(r"mono|courier|consol|typewriter|menlo|cmtt|cmsltt|cmitt|sftt|ectt", re.IGNORECASE)
_BOLD = re.compile(r"bold|black|heavy|cmbx|cmb10|sfbx|ecbx|cmssbx|-medi|demi", re.IGNORECASE)

_HYPHENS = (0x2, 0xFFFE)  # what PDFium writes for a hyphen at a line's broken end; it swallows the line end after it

# TeX's font of large symbols has no names that PDFium maps to Unicode, so that it gives the bare code: a sum comes
# out as X, an integral as Z. (The encoding is that of cmex10, The TeXbook, appendix F.)
_CMEX = {code: "()[]⌊⌋⌈⌉{}⟨⟩|‖/\\"[code] for code in range(0x10)}
_CMEX |= {0x10 + i: c for i, c in enumerate("()()[]⌊⌋⌈⌉{}⟨⟩/\\")}
_CMEX |= {0x20 + i: c for i, c in enumerate("()[]⌊⌋⌈⌉{}⟨⟩/\\/\\")}
_CMEX |= {0x30 + i: c for i, c in enumerate("⎛⎞⎡⎤⎣⎦⎢⎥⎧⎫⎩⎭⎨⎬⎪|⎝⎠⎜⎟⟨⟩⊔⊔∮∮⊙⊙⊕⊕⊗⊗")}
_CMEX |= {0x50 + i: c for i, c in enumerate("∑∏∫⋃⋂⊎⋀⋁" * 2)}
_CMEX |= {0x60: "∐", 0x61: "∐"} | {0x68 + i: c for i, c in enumerate("[]⌊⌋⌈⌉{}")}
_CMEX |= dict.fromkeys(range(0x70, 0x75), "√")
# the same for the prime of TeX's symbol font, whose name no list of glyph names has: f' comes out as f0
_CMSY = {0x30: "′"}


class Glyph(NamedTuple):
    """A character, or a formula that was put together, with the box of its ink.

    Attributes:
        base, size: height of the baseline and size of the font, to a tenth of a point.
        lead: what stands before it in the page's content: "", " ", or "\\n" for the end of a line.
        broken: it is the hyphen of a word that was cut at the line's end.
    """

    text: str
    x0: float
    x1: float
    y0: float
    y1: float
    base: float
    size: float
    bold: bool = False
    mono: bool = False
    lead: str = ""
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A thin horizontal line."""

    x0: float
    x1: float
    y: float


@dataclass(frozen=True, slots=True)
class _Style:
    """What all characters of one text object share."""

    base: tuple[float, float]
    size: float
    bold: bool
    mono: bool
    codes: dict[int, str]
    turn: int


def read_page(page: Any) -> tuple[list[Glyph], list[Bar]]:
    """Return the glyphs of a page (a pypdfium2 page) in the order of its content, and its bars.

    Text that stands across the page's main direction (a stamp at the margin, the label of an axis) is left out;
    a page whose text stands upright only when it is turned, is turned.
    """
    textpage = page.get_textpage()
    try:
        found = list(_characters(textpage))
    finally:
        textpage.close()
    turns = Counter(turn for _, turn in found)
    if not turns:
        return [], []
    main = max(turns, key=lambda turn: (turns[turn], -turn))
    glyphs = [glyph for glyph, turn in found if turn == main]
    if main:
        return [_turned(glyph, main) for glyph in glyphs], []
    bars = list(_bars(page))
    return glyphs, bars if len(bars) <= MAX_BARS else []


def _characters(textpage: Any) -> Iterator[tuple[Glyph, int]]:
    """Yield each glyph with the quarter turns of its text."""
    import pypdfium2.raw as raw

    handle = textpage.raw
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    box = tuple(ctypes.byref(value) for value in (left, right, bottom, top))
    styles: dict[int, _Style] = {}
    lead, high = "\n", 0
    for index in range(textpage.count_chars()):
        code = raw.FPDFText_GetUnicode(handle, index)
        text_object = ctypes.cast(raw.FPDFText_GetTextObject(handle, index), ctypes.c_void_p).value
        if text_object is None and code not in _HYPHENS:  # made up by PDFium: line ends and spaces
            lead = "\n" if code in (10, 13) else lead or " "
            continue
        style = styles.get(text_object or 0)
        if style is None:
            style = styles[text_object or 0] = _style(handle, index)
        if code == 32 and code not in style.codes:
            lead = lead or " "
            continue
        if 0xD800 <= code < 0xDC00:  # a pair of UTF-16 units comes as two characters
            high = code
            continue
        if 0xDC00 <= code < 0xE000:
            if not high:
                continue
            code, high = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00), 0
        if not raw.FPDFText_GetCharBox(handle, index, *box):
            continue
        broken = code in _HYPHENS
        text = "-" if broken else style.codes.get(code) or chr(code)
        # the text object's matrix holds its origin; a sideways text has its baseline at a constant x
        base = style.base[1] if style.turn % 2 == 0 else style.base[0]
        glyph = Glyph(
            text,
            left.value,
            right.value,
            bottom.value,
            top.value,
            base,
            style.size,
            style.bold,
            style.mono,
            lead,
            broken,
        )
        yield glyph, style.turn
        lead = "\n" if broken else ""


def _style(handle: Any, index: int) -> _Style:
    import pypdfium2.raw as raw

    matrix = raw.FS_MATRIX()
    raw.FPDFText_GetMatrix(handle, index, matrix)
    buffer = ctypes.create_string_buffer(128)
    raw.FPDFText_GetFontInfo(handle, index, buffer, 128, None)
    name = buffer.value.decode("utf-8", "replace")
    return _Style(
        base=(round(matrix.e, 1), round(matrix.f, 1)),
        # many writers set the font at size 1 and scale it by the matrix
        size=round(raw.FPDFText_GetFontSize(handle, index) * math.hypot(matrix.c, matrix.d), 1) or 10.0,
        bold=bool(_BOLD.search(name)),
        mono=bool(_MONO.search(name)),
        codes=_CMEX if "CMEX" in name.upper() else _CMSY if "CMSY" in name.upper() else {},
        turn=round(math.atan2(matrix.b, matrix.a) / (math.pi / 2)) % 4,
    )


def _turned(glyph: Glyph, turns: int) -> Glyph:
    """Return the glyph with its coordinates turned back by quarter turns."""
    if turns == 1:  # text runs upwards
        x0, x1, y0, y1, base = glyph.y0, glyph.y1, -glyph.x1, -glyph.x0, -glyph.base
    elif turns == 2:
        x0, x1, y0, y1, base = -glyph.x1, -glyph.x0, -glyph.y1, -glyph.y0, -glyph.base
    else:
        x0, x1, y0, y1, base = -glyph.y1, -glyph.y0, glyph.x0, glyph.x1, glyph.base
    return glyph._replace(x0=x0, x1=x1, y0=y0, y1=y1, base=base)


def _bars(page: Any) -> Iterator[Bar]:
    import pypdfium2.raw as raw

    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    box = tuple(ctypes.byref(value) for value in (left, bottom, right, top))
    paths = 0
    for index in range(raw.FPDFPage_CountObjects(page.raw)):
        item = raw.FPDFPage_GetObject(page.raw, index)
        if raw.FPDFPageObj_GetType(item) != raw.FPDF_PAGEOBJ_PATH:
            continue
        paths += 1
        if paths > MAX_PATHS:
            return
        if raw.FPDFPageObj_GetBounds(item, *box):
            width, thickness = right.value - left.value, top.value - bottom.value
            if width >= BAR_WIDTH and 0 <= thickness <= min(BAR_THICKNESS, width / 2):
                yield Bar(left.value, right.value, (top.value + bottom.value) / 2)
