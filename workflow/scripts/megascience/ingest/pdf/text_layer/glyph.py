"""A glyph: what stands at one place of a page. Lengths are in points, y grows upwards."""

from typing import NamedTuple


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
