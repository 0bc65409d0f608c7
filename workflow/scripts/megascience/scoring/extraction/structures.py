"""Closing sentences in plain text that state more than one number: lists, points, intervals, equations."""

import re

from megascience.scoring.extraction.sentences import ADJUNCT
from megascience.scoring.math.parser import parse
from megascience.scoring.math.regions import is_name
from megascience.scoring.math.spelling import FUNCTIONS, GREEK
from megascience.scoring.math.tree import Node, ParseError
from megascience.scoring.model import MATHEMATICAL
from megascience.scoring.text.markup import unify

#: Words that stand inside of plain mathematics; every other word of two letters or more ends it.
_INSIDE = FUNCTIONS | GREEK | frozenset({"and", "or", "in", "pi", "inf", "infinity", "oo", "U", "union"})
_WORD = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]{2,}(?![a-zA-Z])")
_ALL_REAL = re.compile(r"\ball\s+real\s+numbers(?:\s+[a-z])?(?:,?\s+except\s+(?:for\s+)?[-\w\s=,/]+)?$", re.IGNORECASE)
#: Words that lead to the result of a sentence.
_LEADS = re.compile(
    r"(?:\b(?:is|are|be|was|were|by|at|get|gets|obtain|have|has|gives?|yields?|becomes?|equals?|to|for|on|over|when|point|interval|"
    r"set|pair|triple|values?|roots?|solutions?|zeros|vertex|coordinates|vector|matrix|domain|range|namely|so|thus|hence|"
    r"therefore|that|equation|line|function|intervals|either)|[:=])\s*$",
    re.IGNORECASE,
)


def structure_in(sentence: str, kind: str) -> str | None:
    """Return the list, point, interval or equation in plain text that a sentence ends in, or None.

    Args:
        sentence: the closing sentence, without markup.
        kind: a mathematical kind or `auto`; what is returned has the form of that kind.
    """
    sentence = unify(sentence).replace("**", "").strip().rstrip(".")
    if kind == "interval" and (all_real := _ALL_REAL.search(sentence)):
        return all_real[0]
    place = ADJUNCT.search(sentence)  # "…, at x = 1/2"
    if place and re.search(r"\d", sentence[: place.start()]):
        sentence = sentence[: place.start()]
    start = 0
    for match in _WORD.finditer(sentence):
        if match[0] not in _INSIDE:
            start = match.end()
    tail = re.sub(r"^[\s:,;'\")]+|^\s+a\s+(?=[\d(\[{])", "", sentence[start:]).strip()
    tail = re.sub(r"^(?:and|or|in|a)\s+(?=\S)", "", tail)
    if not start and kind not in MATHEMATICAL:
        return None
    if not re.search(r"\d|\binf|∞|π|√|[-+*/^]", tail) or (start and not _LEADS.search(sentence[:start])):
        return None
    try:
        node = parse(tail)
    except (ParseError, RecursionError):
        return None
    return tail if _fits(node, kind) else None


def _fits(node: Node, kind: str) -> bool:
    """Return whether a node has the form of a kind; a single number has none."""
    inequality = node[0] == "rel" and bool(set(node[1]) & {"<", ">", "<=", ">=", "!="})
    equation = node[0] == "rel" and node[1] == ("=",)
    if equation and is_name(node[2][0]):  # y = 2x, (x, y) = (1, 2)
        return kind == "equation" or _fits(node[2][1], kind)
    if node[0] == "rel" and "in" in node[1]:
        return _fits(node[2][-1], kind)
    group = node[0] == "paren" and len(node) > 4
    if kind == "equation":
        return equation
    if kind == "interval":
        if node[0] == "seq":  # increasing on (-∞, 0) and (2, ∞)
            return all(part[0] == "paren" and len(part) == 5 for part in node[1:])
        return group or inequality or node[0] in ("union", "minus", "inter", "set")
    if kind == "tuple":
        return group or node[0] == "seq"
    if kind == "matrix":
        return node[0] == "matrix" or group
    if kind == "set":
        return node[0] in ("set", "seq", "pm")
    return node[0] not in ("num", "neg", "word", "unit", "pct", "deg", "sym", "rel") or inequality
