"""Formulas: fractions, roots and the limits of sums from where their parts stand.

A PDF has no fractions: it has a bar with glyphs above and below, and the text layer reads them as lines of
their own. A bar with ink that fits it on both sides and text beside it becomes "(a + b)/c"; a root sign with a
bar at its top becomes "√(…)". What is less certain stays as it is.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from megascience.ingest.pdf.text_layer.glyph import Glyph
from megascience.ingest.pdf.text_layer.glyphs import Bar

#: Height of the axis of formulas, where fraction bars stand, above the baseline, in font sizes (cmsy10: 0.25).
AXIS = 0.25

#: Glyphs of a limit that are read at most.
MAX_LIMIT = 16

_OPERATORS = set("∑∏∐∫∮⋃⋂⋀⋁⨁⨂")
_LIMIT_WORDS = {"lim", "max", "min", "sup"}

# what stands above a bar without brackets, and the less that may stand below one: v/(2L) is not v/2L
_MARKS = "′°⁰¹²³⁴-⁹₀-₉"
_ABOVE = re.compile(rf"[\w.{_MARKS}]+|\d*√[\w.]+|\([^()]*\)")
_BELOW = re.compile(rf"[\d.]+|[^\W\d_][{_MARKS}]*(?:_\w|\^\w)?[{_MARKS}]*|√[\w.]|\([^()]*\)")


def compose(glyphs: Sequence[Glyph], bars: Sequence[Bar]) -> list[Glyph]:
    """Return the glyphs with each limit, fraction and root put together as one glyph, inner ones first."""
    found = _limits(list(glyphs))
    for bar in sorted(bars, key=lambda bar: bar.x1 - bar.x0):
        found = _root(found, bar) or _fraction(found, bar) or _marked(found, bar) or found
    return found


def _marked(glyphs: list[Glyph], bar: Bar) -> list[Glyph] | None:
    """Return the glyphs with the line over or under a single letter as a part of it: a mean x̄, a vector v̲."""
    near = [(i, g) for i, g in enumerate(glyphs) if bar.x0 - 0.5 < (g.x0 + g.x1) / 2 < bar.x1 + 0.5]
    for index, glyph in near:
        slack = 0.2 * glyph.size
        if not glyph.text.isalpha() or abs(glyph.x0 - bar.x0) > slack or abs(glyph.x1 - bar.x1) > slack:
            continue
        over, under = bar.y - glyph.y1, min(glyph.y0, glyph.base) - bar.y
        mark = "\u0304" if 0 < over < 0.35 * glyph.size else "\u0332" if 0 < under < 0.35 * glyph.size else ""
        # what stands as close on the bar's other side makes it the bar of a fraction
        if mark and not any(_touches(other, bar, over > 0) for _, other in near):
            whole = glyph._replace(text=unicodedata.normalize("NFC", glyph.text + mark))
            return [*glyphs[:index], whole, *glyphs[index + 1 :]]
    return None


def _touches(glyph: Glyph, bar: Bar, above: bool) -> bool:
    """Whether a glyph stands close above a bar, or close below it."""
    return -0.1 < (glyph.y0 - bar.y if above else bar.y - glyph.y1) < 3.0


def _root(glyphs: list[Glyph], bar: Bar) -> list[Glyph] | None:
    sign = next(
        (
            i
            for i, glyph in enumerate(glyphs)
            if glyph.text == "√" and abs(glyph.x1 - bar.x0) < 1.5 and abs(glyph.y1 - bar.y) < 2.0
        ),
        None,
    )
    if sign is None:
        return None
    root = glyphs[sign]
    inside = [
        i
        for i, glyph in enumerate(glyphs)
        if i != sign
        and glyph.x0 > bar.x0 - 1.0
        and glyph.x1 < bar.x1 + 1.0
        and root.y0 - 0.3 * glyph.size < glyph.y0
        and glyph.y1 < bar.y + 1.0
    ]
    if not inside or inside[-1] - inside[0] > 2 * len(inside) + 4:
        return None
    text = "√" + _part([glyphs[i] for i in inside], _BELOW)
    return _put(glyphs, [sign, *inside], text, glyphs[inside[0]].base, glyphs[inside[0]].size)


def _fraction(glyphs: list[Glyph], bar: Bar) -> list[Glyph] | None:
    near = [(i, glyph) for i, glyph in enumerate(glyphs) if bar.x0 - 1.5 < (glyph.x0 + glyph.x1) / 2 < bar.x1 + 1.5]
    above = _stack([(i, glyph) for i, glyph in near if glyph.y0 >= bar.y - 0.5], bar, up=True)
    below = _stack([(i, glyph) for i, glyph in near if glyph.y1 <= bar.y + 0.5], bar, up=False)
    if not above or not below:
        return None
    members = {i for i, _ in above} | {i for i, _ in below}
    size = max(glyph.size for _, glyph in [*above, *below])
    # the parts fit the bar, and one of them fills it: a table's rule or an underlined line has no such neighbours
    for part in (above, below):
        if min(g.x0 for _, g in part) < bar.x0 - 0.2 * size or max(g.x1 for _, g in part) > bar.x1 + 0.2 * size:
            return None
    widest = max(max(g.x1 for _, g in part) - min(g.x0 for _, g in part) for part in (above, below))
    if widest < bar.x1 - bar.x0 - size:
        return None
    beside = [
        glyph
        for i, glyph in enumerate(glyphs)
        if i not in members
        and (0 <= bar.x0 - glyph.x1 < 1.5 * glyph.size or 0 <= glyph.x0 - bar.x1 < 1.5 * glyph.size)
        and _on_axis(glyph, bar.y)
    ]
    if not beside:
        return None
    main = max(glyph.size for glyph in beside)
    text = f"{_part([g for _, g in above], _ABOVE)}/{_part([g for _, g in below], _BELOW)}"
    return _put(glyphs, sorted(members), text, bar.y - AXIS * main, main)


def _on_axis(glyph: Glyph, y: float) -> bool:
    """Whether a fraction's bar at height y belongs to the line of a glyph; tall signs stand centred on the axis."""
    if glyph.y1 - glyph.y0 > 1.1 * glyph.size:
        return abs((glyph.y0 + glyph.y1) / 2 - y) < 0.15 * glyph.size
    return abs(glyph.base + AXIS * glyph.size - y) < 0.15 * glyph.size


def _stack(near: list[tuple[int, Glyph]], bar: Bar, up: bool) -> list[tuple[int, Glyph]]:
    """Return the glyphs of the one row that stands on (or hangs from) the bar."""
    if not near:
        return []

    def distance(glyph: Glyph) -> float:
        return glyph.y0 - bar.y if up else bar.y - glyph.y1

    nearest = min(near, key=lambda item: distance(item[1]))[1]
    if distance(nearest) > 0.8 * nearest.size:
        return []
    size = max(g.size for _, g in near if abs(g.base - nearest.base) < 0.75 * nearest.size)
    return [(i, g) for i, g in near if abs(g.base - nearest.base) < 0.75 * size]


def _part(glyphs: list[Glyph], atom: re.Pattern[str]) -> str:
    text = plain(glyphs)
    return text if atom.fullmatch(text) else f"({text})"


def _put(glyphs: list[Glyph], members: list[int], text: str, base: float, size: float) -> list[Glyph]:
    """Return the glyphs with the members replaced by one that carries the text."""
    own = [glyphs[i] for i in members]
    x0, x1 = min(g.x0 for g in own), max(g.x1 for g in own)
    first, gone = members[0], set(members)
    whole = glyphs[first]._replace(
        text=text,
        x0=x0,
        x1=x1,
        y0=min(g.y0 for g in own),
        y1=max(g.y1 for g in own),
        base=round(base, 1),
        size=size,
    )
    result = [glyph for i, glyph in enumerate(glyphs[:first]) if i not in gone]
    # a digit or letter that touches would read as part of the numerator: 2 1/2
    if result and not whole.lead and result[-1].text[-1:].isalnum():
        whole = whole._replace(lead=" ")
    rest = [glyph for i, glyph in enumerate(glyphs[first + 1 :], start=first + 1) if i not in gone]
    if rest and not rest[0].lead and rest[0].text[:1].isalnum():
        rest[0] = rest[0]._replace(lead=" ")
    return [*result, whole, *rest]


def _limits(glyphs: list[Glyph]) -> list[Glyph]:
    """Return the glyphs with the limits of sums, products and integrals, and what stands below lim, attached."""
    index = 0
    while index < len(glyphs):
        operator = _operator(glyphs, index)
        if operator:
            glyphs = _with_limits(glyphs, index, operator)
        index += 1
    return glyphs


def _operator(glyphs: Sequence[Glyph], index: int) -> int:
    """Return how many glyphs the operator at this place has; 0 where there is none."""
    if glyphs[index].text in _OPERATORS:
        return 1
    if glyphs[index].text in "lms" and not (index and glyphs[index - 1].text.isalpha() and not glyphs[index].lead):
        return 3 if "".join(glyph.text for glyph in glyphs[index : index + 3]) in _LIMIT_WORDS else 0
    return 0


def _beside(glyph: Glyph, operator: Sequence[Glyph], middle: float) -> bool:
    """Whether a glyph stands on the line of an operator whose middle is at this height."""
    if len(operator) > 1:
        return abs(glyph.base - operator[0].base) < 0.1 * glyph.size
    return glyph.text not in _OPERATORS and _on_axis(glyph, middle)


def _with_limits(glyphs: list[Glyph], start: int, length: int) -> list[Glyph]:
    own = glyphs[start : start + length]
    size, middle = own[0].size, (own[0].y0 + own[0].y1) / 2
    # a large operator may have a larger font than its line, which is what makes a limit small
    beside = [g.size for g in glyphs[max(0, start - MAX_LIMIT) : start + length + MAX_LIMIT] if _beside(g, own, middle)]
    small = SCRIPT_SIZE * min([size, *(max(beside) for _ in beside[:1])])
    x0, x1 = own[0].x0 - 1.2 * size, own[-1].x1 + 1.2 * size
    above: list[int] = []
    below: list[int] = []
    for first, step in ((start + length, 1), (start - 1, -1)):  # typesetters put the upper limit before or after
        seen: dict[bool, Glyph] = {}
        for index in range(first, first + step * MAX_LIMIT, step):
            if not 0 <= index < len(glyphs):
                break
            glyph = glyphs[index]
            up = glyph.base > middle
            near = abs(glyph.x0 - seen[up].x0) < size if up in seen else x0 < glyph.x0 < x1
            if glyph.size > small or not near or abs(glyph.base - middle) > 2.2 * size:
                break
            (above if up else below).append(index)
            seen[up] = glyph
    if length > 1:
        above = []  # words have a limit below them only
    if not below:
        return glyphs
    text = "".join(glyph.text for glyph in own)
    for mark, part in (("_", below), ("^", above)):
        if part:
            inside = plain([glyphs[i] for i in sorted(part)])
            text += mark + (inside if len(inside) == 1 else f"{{{inside}}}")
    base = own[0].base if length > 1 else middle - AXIS * size
    return _put(glyphs, sorted([*range(start, start + length), *below, *above]), text, base, size)


# --- superscripts and subscripts ---------------------------------------------------------------------------

_SUPER = str.maketrans("0123456789+-−=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾")
_SUB = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_SIGNS = {"+", "-", "−", "++", "−−"}  # the charge of an ion
_DIGITS = re.compile(r"[-+−=()]*[0-9][-+−=()0-9]*")

#: A character is a script if its font is at most this share of the line's, and stands off the baseline.
SCRIPT_SIZE = 0.86


def plain(glyphs: Sequence[Glyph], line: bool = False) -> str:
    """Return the text of one row of glyphs, with superscripts and subscripts marked.

    Digits become ² or ₂; other scripts are written as in TeX, x^n or W_{net}: without either 10² would read 102.

    Args:
        line: the glyphs are a line of the page, where a number that is set high opens a footnote.
    """
    size, base = main_line(glyphs)
    segments: list[tuple[int, list[Glyph], bool]] = []
    for before, glyph in zip([None, *glyphs], glyphs, strict=False):
        level = _level(glyph, size, base)
        space = bool(glyph.lead and before)
        if segments and segments[-1][0] == level:
            segments[-1][1].append(glyph)
        else:
            # PDFium takes the step to a script for a space
            apart = space and (not level or glyph.x0 - before.x1 > 0.4 * size)  # type: ignore[union-attr]
            segments.append((level, [glyph], apart))
    for index, (upper, lower) in enumerate(zip(segments, segments[1:], strict=False)):
        # of a stack, the lower script comes first: SO₄²⁻
        if upper[0] > 0 > lower[0] and lower[1][0].x0 < upper[1][-1].x1 and not (lower[2] or upper[2]):
            segments[index : index + 2] = [lower, upper]
    text = ""
    for level, part, apart in segments:
        inside = _run(part, level)
        if line and not text and level > 0 and inside.isdecimal():
            text = inside.translate(_SUPER) + " "
            continue
        if apart and not text.endswith(" "):
            text += " "
        text += _script(inside, level, text)
    return text


def _run(glyphs: Sequence[Glyph], level: int) -> str:
    """Return the text of glyphs on one level; a script may have scripts of its own."""
    if level and len({glyph.size for glyph in glyphs}) > 1:
        return plain(glyphs)
    return "".join((" " if glyph.lead and i else "") + glyph.text for i, glyph in enumerate(glyphs))


def main_line(glyphs: Sequence[Glyph]) -> tuple[float, float]:
    """Return the font size and the baseline that most of a row's glyphs share; of scripts and text, the text's."""
    sizes = Counter(glyph.size for glyph in glyphs)
    # a large initial is not the line's size, a base with a long exponent is
    size = max((size for size, count in sizes.items() if count >= 0.1 * len(glyphs)), default=max(sizes))
    bases = Counter(glyph.base for glyph in glyphs if glyph.size == size)
    return size, max(bases, key=lambda base: (bases[base], base))


def _level(glyph: Glyph, size: float, base: float) -> int:
    """Return 1 for a superscript, -1 for a subscript, 0 for text on the line."""
    if glyph.size > SCRIPT_SIZE * size:
        return 0
    rise = (glyph.base - base) / size
    return 1 if 0.15 < rise < 0.8 else -1 if -0.5 < rise < -0.06 else 0


def _script(text: str, kind: int, before: str) -> str:
    if not kind or not before.strip():  # nothing to stand on
        return text
    if text in ("∘", "◦", "o") and kind > 0 and before[-1].isdigit():
        return "°"
    if text in _SIGNS and (before[-1].isalnum() or before[-1] in ")]}"):
        return text.translate(_SUPER if kind > 0 else _SUB)
    if not any(letter.isalnum() for letter in text) or text in ("st", "nd", "rd", "th"):
        return text
    if _DIGITS.fullmatch(text):
        return text.translate(_SUPER if kind > 0 else _SUB)
    mark = "^" if kind > 0 else "_"
    return mark + (text if len(text) == 1 else f"{{{text}}}")
