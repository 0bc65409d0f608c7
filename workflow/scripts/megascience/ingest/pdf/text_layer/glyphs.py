"""Glyphs: what stands where on a page, by PDFium. Lengths are in points, y grows upwards."""

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from megascience.ingest.pdf.text_layer.accents import join_accents
from megascience.ingest.pdf.text_layer.bitmap_fonts import NAMELESS, bitmap_text
from megascience.ingest.pdf.text_layer.fonts import UNKNOWN, Fonts
from megascience.ingest.pdf.text_layer.glyph import Glyph
from megascience.ingest.pdf.text_layer.glyph_names import is_unknown, private_text

#: Path objects that are looked at on one page; vector graphics can have hundreds of thousands.
MAX_PATHS = 20_000

#: A page with more bars than this is a drawing, whose lines are not fractions.
MAX_BARS = 400

#: A ruled line that can be the bar of a fraction or a root is at most this thick and at least this wide.
BAR_THICKNESS, BAR_WIDTH = 2.0, 2.5

# by name, since the flags of a font descriptor are often wrong (TeX's typewriter is not marked as fixed pitch)
_MONO = re.compile(r"mono|courier|consol|typewriter|menlo|cmtt|cmsltt|cmitt|sftt|ectt", re.IGNORECASE)
_BOLD = re.compile(r"bold|black|heavy|cmbx|cmb10|sfbx|ecbx|cmssbx|-medi|demi", re.IGNORECASE)

_HYPHENS = (0x2, 0xFFFE)  # what PDFium writes for a hyphen at a line's broken end; it swallows the line end after it


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
    turn: int
    font: int


def read_page(page: Any, number: int, fonts: Fonts) -> tuple[list[Glyph], list[Bar]]:
    """Return the glyphs of a page (a pypdfium2 page with its index) in the order of its content, and its bars.

    Text that stands across the page's main direction (a stamp at the margin, the label of an axis) is left out;
    a page whose text stands upright only when it is turned, is turned. A glyph that no font names is UNKNOWN.
    """
    textpage = page.get_textpage()
    try:
        found, bitmaps = _characters(textpage, page, number, fonts)
    finally:
        textpage.close()
    turns = Counter(style.turn for _, style in found)
    if not turns:
        return [], []
    main = max(turns, key=lambda turn: (turns[turn], -turn))
    placed = [(glyph if not main else _turned(glyph, main), style.font) for glyph, style in found if style.turn == main]
    glyphs = join_accents(bitmap_text(placed, bitmaps) if bitmaps else [glyph for glyph, _ in placed])
    bars = [] if main else list(_bars(page))
    return glyphs, bars if len(bars) <= MAX_BARS else []


def _characters(
    textpage: Any, page: Any, number: int, fonts: Fonts
) -> tuple[list[tuple[Glyph, _Style]], dict[int, set[int]]]:
    """Return each glyph with its style, and the bitmap fonts with the codes that they show without a name."""
    import pypdfium2.raw as raw

    handle = textpage.raw
    # the functions that each character needs, with plain addresses, which are made twice as fast as typed pointers
    address = ctypes.cast(handle, ctypes.c_void_p).value
    unicode_of = _plain(raw.FPDFText_GetUnicode, ctypes.c_uint)
    object_of = _plain(raw.FPDFText_GetTextObject, ctypes.c_void_p)
    is_unmapped = _plain(raw.FPDFText_HasUnicodeMapError, ctypes.c_int)
    box_of = _plain(raw.FPDFText_GetCharBox, ctypes.c_int, *[ctypes.c_void_p] * 4)
    box = (ctypes.c_double * 4)()
    sides = [ctypes.addressof(box) + 8 * side for side in range(4)]
    found: list[tuple[Glyph, _Style]] = []
    bitmaps: dict[int, set[int]] = {}
    styles: dict[int, _Style] = {}
    lead, high = "\n", 0
    for index in range(textpage.count_chars()):
        code = unicode_of(address, index)
        own = object_of(address, index)
        if own is None and code not in _HYPHENS:  # made up by PDFium: line ends and spaces
            lead = "\n" if code in (10, 13) else lead or " "
            continue
        unknown = is_unmapped(address, index) == 1
        if code == 32 and (not unknown or raw.FPDFText_IsGenerated(handle, index) == 1):
            lead = lead or " "
            continue
        style = styles.get(own or 0)
        if style is None:
            style = styles[own or 0] = _style(handle, index)
        if 0xD800 <= code < 0xDC00 and not unknown:  # a pair of UTF-16 units comes as two characters
            high = code
            continue
        if 0xDC00 <= code < 0xE000 and high and not unknown:
            code, high = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00), 0
        if not box_of(address, index, *sides):
            continue
        x0, x1, y0, y1 = box
        broken = code in _HYPHENS and not unknown
        text = "-" if broken else chr(code)
        if unknown or ((code < 0x20 or code >= 0x7F) and not broken and is_unknown(text)):
            text, bitmap = _named(code, unknown, number, page, raw.FPDFText_GetTextObject(handle, index), fonts)
            if bitmap is not None:
                bitmaps.setdefault(style.font, set()).update({code} if bitmap else ())
                text = chr(NAMELESS + code) if bitmap and code != 32 else " " if bitmap else text
            if text == " ":
                lead = lead or " "
            if not text.strip() or (text == UNKNOWN and x1 - x0 < 0.01):  # shows nothing
                continue
        # the text object's matrix holds its origin; a sideways text has its baseline at a constant x
        base = style.base[1] if style.turn % 2 == 0 else style.base[0]
        glyph = Glyph(text, x0, x1, y0, y1, base, style.size, style.bold, style.mono, lead, broken)
        found.append((glyph, style))
        lead = "\n" if broken else ""
    return found, bitmaps


def _plain(function: Any, result: Any, *more: Any) -> Any:
    """Return a function of PDFium over (address of the text page, index, …) without the types of pointers."""
    prototype = ctypes.CFUNCTYPE(result, ctypes.c_void_p, ctypes.c_int, *more)
    return prototype(ctypes.cast(function, ctypes.c_void_p).value or 0)


def _named(code: int, unknown: bool, number: int, page: Any, text_object: Any, fonts: Fonts) -> tuple[str, bool | None]:
    """Return what a code shows by the names of its font, and of a bitmap font whether it has no name there."""
    import pypdfium2.raw as raw

    if not unknown and (text := private_text(code)) is not None:
        return text, None
    font = raw.FPDFTextObj_GetFont(text_object) if text_object else None
    if not font or (not unknown and code > 0xFF):
        return UNKNOWN, None
    encoding = fonts.encoding(number, page, font)
    text = encoding.text(code)
    if len(text) == 1 and text != UNKNOWN and is_unknown(text):
        text = private_text(ord(text)) or UNKNOWN
    return text, encoding.nameless(code) if encoding.bitmap else None


def _style(handle: Any, index: int) -> _Style:
    import pypdfium2.raw as raw

    text_object = raw.FPDFText_GetTextObject(handle, index)
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
        turn=round(math.atan2(matrix.b, matrix.a) / (math.pi / 2)) % 4,
        font=ctypes.cast(raw.FPDFTextObj_GetFont(text_object), ctypes.c_void_p).value or 0 if text_object else 0,
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
