"""The closing formula of a completion that states its answer in no known form."""

import re

from megascience.scoring.extraction.sentences import LAST_EQUAL
from megascience.scoring.math.parser import parse
from megascience.scoring.math.spelling import FUNCTIONS
from megascience.scoring.math.tree import ParseError
from megascience.scoring.model import Extraction
from megascience.scoring.text.markup import unwrap

_FORMULA = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|\$([^$\n]+)\$", re.DOTALL)


#: The closing formula stands in so many last characters, or in the paragraphs that reach into them.
_TAIL = 3_000
_CUE = re.compile(
    r"\b(?:is|are|equals?|get|gets|obtain|have|gives?|yields?|thus|therefore|hence|so|then|conclude|becomes?|find|found|"
    r"follows|value|result)\b|[:=]",
    re.IGNORECASE,
)


def last_formula(text: str, start: int, end: int, kind: str) -> Extraction | None:
    """Return the formula that a completion closes with, if words such as "thus" or "is" lead to it."""
    paragraph = text.rfind("\n\n", start, max(start, end - _TAIL))
    spans = list(_FORMULA.finditer(text, paragraph if paragraph >= end - 2 * _TAIL else max(start, end - _TAIL), end))
    if not spans or len(re.findall(r"\w+", text[spans[-1].end() : end])) > 3:
        return None
    last = spans[-1]
    before = re.split(r"(?<=[.!?])\s|\n\s*\n", text[max(start, last.start() - 200) : last.start()])[-1]
    alone = not before.strip() or last[0].startswith(("$$", "\\["))
    if not alone and not _CUE.search(before):
        return None
    inner = next(group for group in last.groups() if group).strip().rstrip(".,")
    first = len(spans) - 1
    while first and kind != "equation" and _JOINED.fullmatch(text[spans[first - 1].end() : spans[first].start()]):
        first -= 1
        inner = f"{next(group for group in spans[first].groups() if group).strip()}, {inner}"
    if first < len(spans) - 1:
        return Extraction(inner, "last formulas", (spans[first].start(), last.end()))
    return Extraction(_right_side(inner, kind), "last formula", (last.start(), last.end()))


_JOINED = re.compile(r",?\s*(?:and|or|,)\s*")


def _right_side(formula: str, kind: str) -> str:
    """Return what a chain of equalities ends in; equations and assignments (`x = 5`) stay whole."""
    parts = [part.strip() for part in LAST_EQUAL.split(formula)]
    if len(parts) < 2 or kind == "equation" or (len(parts) == 2 and re.fullmatch(r"\\?\w+(?:\(\w+\))?", parts[0])):
        return formula
    return parts[-1]


def whole_math(text: str) -> str | None:
    """Return the formula that a short completion is as a whole, or None."""
    stated = unwrap(
        re.sub(
            r"^(?:so|thus|therefore|hence)?,?\s*(?:it|this|that)\s+is\s+(?:an?\s+|the\s+)?",
            "",
            text,
            flags=re.IGNORECASE,
        )
    )
    words_in = re.findall(r"(?<![\\a-zA-Z])[a-zA-Z]{2,}", re.sub(r"\\[a-zA-Z]+", " ", stated))
    if len([word for word in words_in if word not in FUNCTIONS]) > 3:
        return None
    try:
        parse(stated)
    except (ParseError, RecursionError):
        return stated if len(stated.split()) <= 4 else None
    return stated
