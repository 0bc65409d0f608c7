"""Bitmap fonts: the size, the spaces and the ligatures of Type 3 fonts, by the boxes of their glyphs.

The number that a Type 3 font is set at says nothing of its size, since its glyphs may have any scale; PDFium places
spaces and line ends by that number. TeX's bitmap fonts name no glyph.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

from megascience.ingest.pdf.text_layer.fonts import UNKNOWN, tex_table
from megascience.ingest.pdf.text_layer.glyph import Glyph

#: A glyph that has only its code for a name is kept as this private character plus the code until its font is known.
NAMELESS = 0xF0000

#: Heights of letters by shape, in font sizes (Computer Modern and Times differ by less than a tenth).
_HEIGHTS = dict.fromkeys("acemnorsuvwxz", 0.44) | dict.fromkeys("bdfhklABCDEFGHIJKLMNOPRSTUVWXYZ0123456789", 0.68)
_HEIGHTS |= dict.fromkeys("gpqy", 0.64) | {"t": 0.6, "i": 0.66, "j": 0.86, "Q": 0.8}

#: A gap of this many sizes parts words (TeX's word space is 0.33, at least 0.22), and a smaller one does not.
WORD_GAP = 0.18

#: A size that is off by more than this factor is not the font's.
TOLERANCE = 1.2


def bitmap_text(placed: Sequence[tuple[Glyph, int]], bitmaps: Mapping[int, set[int]]) -> list[Glyph]:
    """Return the glyphs with the text, the size and the spaces of those in bitmap fonts.

    Args:
        placed: each glyph with its font.
        bitmaps: the bitmap fonts, with the codes that they show without a name.
    """
    tables = {
        font: tex_table(codes, _inside_words(placed, font), _sets_words(placed, font))
        for font, codes in bitmaps.items()
        if codes
    }
    scales = _scales(placed, set(bitmaps))
    result: list[Glyph] = []
    for glyph, font in placed:
        if font not in bitmaps:
            result.append(glyph)
            continue
        code = ord(glyph.text) - NAMELESS if len(glyph.text) == 1 else -1
        if code >= 0:
            text = tables[font].get(code) or (chr(code) if 0x20 < code < 0x7F else UNKNOWN)
            glyph = glyph._replace(text=text)
        if font in scales:
            size = round(glyph.size * scales[font], 1)
            glyph = glyph._replace(size=size, lead=_lead(result[-1] if result else None, glyph, size))
        result.append(glyph)
    return result


def _inside_words(placed: Sequence[tuple[Glyph, int]], font: int) -> set[int]:
    """Return the nameless codes of a font that touch one of its letters."""
    found = set()
    for (a, one), (b, other) in zip(placed, placed[1:], strict=False):
        if one == other == font and abs(b.x0 - a.x1) < 0.35 * max(a.y1 - a.y0, b.y1 - b.y0) and not b.lead:
            for sign, letter in ((a, b), (b, a)):
                if _letter(letter).isalpha() and len(sign.text) == 1 and ord(sign.text) >= NAMELESS:
                    found.add(ord(sign.text) - NAMELESS)
    return found


def _letter(glyph: Glyph) -> str:
    """Return the ASCII character that a glyph shows if its font follows ASCII, else ""."""
    code = ord(glyph.text) if len(glyph.text) == 1 else 0
    code -= NAMELESS if code >= NAMELESS else 0
    return chr(code) if 0x20 < code < 0x7F else ""


def _sets_words(placed: Sequence[tuple[Glyph, int]], font: int) -> bool:
    """Whether a font sets words: half of its letters stand in runs of three or more. A font of formulas does not."""
    letters, inside, run = 0, 0, 0
    end: float | None = None
    for glyph, own in [*placed, (None, 0)]:
        goes_on = glyph is not None and own == font and _letter(glyph).isalpha()
        if goes_on and (end is None or abs(glyph.x0 - end) < 0.35 * (glyph.y1 - glyph.y0)):  # type: ignore[union-attr]
            run += 1
        else:
            letters, inside = letters + run, inside + (run if run >= 3 else 0)
            run = 1 if goes_on else 0
        end = glyph.x1 if goes_on else None  # type: ignore[union-attr]
    return letters >= 3 and inside >= 0.5 * letters


def _scales(placed: Sequence[tuple[Glyph, int]], fonts: set[int]) -> dict[int, float]:
    """Return by what the size of each bitmap font is wrong; a font without letters has the usual scale."""
    ratios: dict[int, list[float]] = defaultdict(list)
    for glyph, font in placed:
        if font in fonts and (height := _HEIGHTS.get(_letter(glyph))):
            ratios[font].append((glyph.y1 - glyph.y0) / height / glyph.size)
    known = {font: median(values) for font, values in ratios.items() if len(values) >= 3}
    if not known:
        return {}
    usual = median(known.values())
    scales = {font: known.get(font, usual) for font in fonts}
    return {font: scale for font, scale in scales.items() if scale > 0 and not 1 / TOLERANCE < scale < TOLERANCE}


def _lead(before: Glyph | None, glyph: Glyph, size: float) -> str:
    """Return what stands before a glyph by its distance from the one before."""
    if before is None:
        return glyph.lead
    gap = glyph.x0 - before.x1
    if abs(before.base - glyph.base) > 0.9 * size or gap < -2 * size:
        return "\n"
    if "\n" in glyph.lead and (gap > 1.5 * size or abs(before.base - glyph.base) > 0.1 * size):
        return glyph.lead
    return " " if gap > WORD_GAP * size else ""
