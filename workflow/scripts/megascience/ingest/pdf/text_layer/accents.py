"""Accents: a font's separate accent joins the letter that it is drawn on, and no other."""

import unicodedata
from collections.abc import Sequence

from megascience.ingest.pdf.text_layer.glyph import Glyph

_ABOVE = dict(
    zip("`´¨ˆ˜ˇ¯˘˚˙˝⃗", "\u0300\u0301\u0308\u0302\u0303\u030c\u0304\u0306\u030a\u0307\u030b\u20d7", strict=True)
)
_BELOW = {"¸": "\u0327", "˛": "\u0328"}
_ACROSS = {"\u0338": "\u0338", "\u0335": "\u0335"}  # TeX's negation slash, and the bar of the Polish l
_COMBINING = {chr(code): chr(code) for code in (*range(0x300, 0x316), *range(0x20D6, 0x20D8), 0x20DB, 0x20DC)}
_ABOVE |= _COMBINING
_MARKS = _ABOVE | _BELOW | _ACROSS
# the letter follows or comes before; some writers draw the accents of a line before or after it
_REACH = (1, -1, *(sign * step for step in range(2, 60) for sign in (-1, 1)))

_BARRED = {"l": "ł", "L": "Ł"}
_DOTLESS = {"ı": "i", "ȷ": "j"}


def join_accents(glyphs: Sequence[Glyph]) -> list[Glyph]:
    """Return the glyphs with each accent joined to the letter whose box it overlaps, before or after it.

    An accent that stands over no letter is a sign of its own: the degrees of 45˚, the end of 5´.
    """
    if not any(glyph.text in _MARKS for glyph in glyphs):
        return list(glyphs)
    result: list[Glyph | None] = list(glyphs)
    for index, accent in enumerate(glyphs):
        if accent.text not in _MARKS:
            continue
        for place in _REACH[:2] if accent.text in _ACROSS else _REACH:
            letter = result[index + place] if 0 <= index + place < len(result) else None
            if letter is not None and _on(accent, letter):
                lead = accent.lead if place == 1 else letter.lead
                result[index + place], result[index] = _joined(letter, accent, lead), None
                break
        else:
            if accent.text in _COMBINING:  # would fall on the letter before it
                result[index] = accent._replace(text=" " + accent.text)
    return _closed(glyphs, result)


def _closed(glyphs: Sequence[Glyph], kept: Sequence[Glyph | None]) -> list[Glyph]:
    """Return the glyphs that were kept, without the spaces that PDFium put beside an accent that went."""
    result: list[Glyph] = []
    lead: str | None = None
    for before, glyph in zip(glyphs, kept, strict=True):
        if glyph is None:
            lead = lead or before.lead
            continue
        if lead is not None and "\n" not in glyph.lead:
            touches = (
                bool(result)
                and abs(glyph.base - result[-1].base) < 0.1 * glyph.size
                and -0.2 * glyph.size < glyph.x0 - result[-1].x1 < 0.12 * glyph.size
            )
            glyph = glyph._replace(lead="" if touches else glyph.lead or lead)
        lead = None
        result.append(glyph)
    return result


def _on(accent: Glyph, letter: Glyph) -> bool:
    """Whether an accent is drawn on a letter: their boxes share the accent's middle, at the height where it belongs."""
    if accent.text in _ACROSS:
        shared = min(accent.x1, letter.x1) - max(accent.x0, letter.x0)
        return letter.text not in _MARKS and shared > 0.3 * min(accent.x1 - accent.x0, letter.x1 - letter.x0)
    if not letter.text[:1].isalpha() or len(letter.text) > 2:
        return False
    middle = (accent.x0 + accent.x1) / 2
    slack = 0.08 * letter.size  # the accent of a slanted letter leans over its right edge
    if not letter.x0 - slack < middle < letter.x1 + 2 * slack:
        return False
    if min(accent.x1, letter.x1) - max(accent.x0, letter.x0) < 0.4 * min(accent.x1 - accent.x0, letter.x1 - letter.x0):
        return False
    if accent.text in _BELOW:
        return accent.y1 < letter.y0 + 0.3 * letter.size
    height = letter.y1 - letter.y0
    return letter.y0 + 0.5 * height < accent.y0 < letter.y1 + 0.5 * letter.size


def _joined(letter: Glyph, accent: Glyph, lead: str) -> Glyph:
    mark = _MARKS[accent.text]
    if mark == "\u0335" and letter.text in _BARRED:
        text = _BARRED[letter.text]
    else:
        text = unicodedata.normalize("NFC", _DOTLESS.get(letter.text, letter.text) + mark)
    return letter._replace(
        text=text,
        x0=min(letter.x0, accent.x0) if accent.text in _ACROSS else letter.x0,
        y1=max(letter.y1, accent.y1),
        lead=lead,
    )
