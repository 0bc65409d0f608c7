"""Comparison of mathematical answers: preparation, words for sets, and what is compared as text after all."""

import re

from megascience.scoring.comparison.text import compare_text
from megascience.scoring.math.equality import same
from megascience.scoring.math.evaluation import TooLarge, Undefined
from megascience.scoring.math.numerals import words
from megascience.scoring.math.parser import parse
from megascience.scoring.math.regions import strip_name
from megascience.scoring.math.scalars import one_constant, one_parameter, scalar_test
from megascience.scoring.math.spelling import FUNCTIONS, GREEK
from megascience.scoring.math.tree import Node, ParseError, TooComplex
from megascience.scoring.math.values import Undecided
from megascience.scoring.model import CORRECT, UNREADABLE, WRONG, Preset, Verdict
from megascience.scoring.text.markup import strip_styles, unify, unwrap

_SPELLING = re.compile(r"\\(?:left|right|displaystyle|,|;|!|:| )|[\s$]")


_BAR = re.compile(r"\\mid(?![a-zA-Z])|(?<=\w)\|(?=\w)")


def _spelling(text: str) -> str:
    """Return LaTeX without spaces and sizes, for equality of what the parser cannot read."""
    return (
        _SPELLING.sub("", _BAR.sub(":", strip_styles(unify(unwrap(text)))))
        .replace("\\dfrac", "\\frac")
        .replace("\\tfrac", "\\frac")
    )


#: A subscript that LaTeX ends after one letter: k_BT is k_B T.
_TIGHT_SUBSCRIPT = re.compile(r"_([A-Za-z])(?=[A-Z])")


def compare_expressions(candidate: str, reference: str, kind: str, tolerance: float | None, rules: Preset) -> Verdict:
    """Compare two mathematical answers; see `equality` for what counts as the same."""
    verdict = _compared(candidate, reference, kind, tolerance, rules)
    if not verdict.correct and (_TIGHT_SUBSCRIPT.search(candidate) or _TIGHT_SUBSCRIPT.search(reference)):
        spelled = [_TIGHT_SUBSCRIPT.sub(r"_{\1} ", side) for side in (candidate, reference)]
        again = _compared(spelled[0], spelled[1], kind, tolerance, rules)
        return again if again.correct else verdict
    return verdict


def _compared(candidate: str, reference: str, kind: str, tolerance: float | None, rules: Preset) -> Verdict:
    if _spelling(candidate) == _spelling(reference):
        return Verdict(CORRECT, "the same spelling")
    if all(_is_prose(text) for text in (candidate, reference)):
        return compare_text(candidate, reference)
    nodes: list[Node | None] = []
    for text in (candidate, reference):
        try:
            nodes.append(parse(_region_in_words(_prepared(text), kind)))
        except (TooComplex, RecursionError):
            return Verdict(UNREADABLE, "too long or too deep for an answer")
        except ParseError:
            nodes.append(None)
    left, right = nodes
    if left is not None and right is not None:
        if kind == "set":
            left, right = _as_set(left), _as_set(right)
        if kind == "interval":
            left, right = strip_name(left), strip_name(right)
        left, right = one_parameter(*one_constant(_without_domain(left), _without_domain(right)))
        try:
            if same(left, right, scalar_test(tolerance, rules)):
                return Verdict(CORRECT, "equal")
            return Verdict(WRONG, "not equal")
        except (Undecided, Undefined, TooLarge):
            return Verdict(UNREADABLE, "beyond what can be evaluated")
    return _as_text(candidate, reference, left is not None, right is not None)


_ALL_REALS = re.compile(r"(?:\\text\{)?all\s+(?:real(?:s|\s+numbers)?|real\s+values?(?:\s+of\s+\w)?)\}?", re.IGNORECASE)


_ALL_BUT = re.compile(
    r"(?:the\s+set\s+of\s+)?all\s+real(?:s|\s+numbers)?(?:\s+[a-z])?,?\s+except\s+(?:for\s+)?([-\w\s=,/.\\{}]+?)",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"(?:\\text\{)?(?:no|there\s+(?:are|is)\s+no)\s+(?:real\s+)?solutions?(?:\s+exists?)?\}?|(?:the\s+)?empty\s+set",
    re.IGNORECASE,
)


_PROSE = re.compile(r"[A-Za-z][A-Za-z' .-]*")


def _is_prose(text: str) -> bool:
    """Return whether an answer is words (an ellipse) and neither symbols, functions nor numbers in words."""
    text = strip_styles(unwrap(unify(text)))
    return bool(
        _PROSE.fullmatch(text)
        and re.search(r"[A-Za-z]{4,}", text)
        and not set(text.split()) & (FUNCTIONS | GREEK)
        and words(text.lower()) is None
    )


def _region_in_words(text: str, kind: str) -> str:
    """Return "all real numbers" and "no solution" as sets."""
    if _ALL_REALS.fullmatch(text):
        return "\\mathbb{R}"
    if except_for := _ALL_BUT.fullmatch(strip_styles(text)):
        return f"\\mathbb{{R}} \\setminus \\{{{re.sub('[a-zA-Z] *(=|≠|.ne) *', '', except_for[1])}\\}}"
    spelled = words(text) if text[:1].isalpha() and len(text) < 80 else None
    if spelled is not None and not spelled.rest:  # one thousand
        return f"({spelled.value})"
    return "\\emptyset" if kind in ("set", "interval") and _NOTHING.fullmatch(text) else text


_ABOUT = re.compile(r"\\(?:approx|simeq|sim)(?![a-zA-Z])|≈|≃")


#: The letter of the option before its text: "\\textbf{(B)}\\ 5".
_LABEL = re.compile(r"^\\(?:text|textbf|mathrm|mathbf|textrm)\s*\{\s*\(?[A-H]\)[.:]?\s*\}[\s~\\:,;]*(?=[\w\\({-])")


_LEAD = re.compile(r"^\\text\s*\{[^{}]*(?:\b(?:is|are|equals)|[=:])\s*\}\s*(?=\S)")


def _prepared(text: str) -> str:
    """Return an answer for parsing; of an exact value with its approximation (`3/56 ≈ 0.054`) the exact one."""
    text = _LEAD.sub("", _LABEL.sub("", unwrap(unify(text))))
    parts = _ABOUT.split(text)
    if len(parts) == 2 and not parts[0].strip():
        return parts[1].strip()
    if len(parts) == 2 and re.search(r"\d|\\(?:pi|sqrt|frac)", parts[0].split("=")[-1]):
        return parts[0].strip()
    return text


def _without_domain(node: Node) -> Node:
    """Return a general solution without the remark that its parameter is a whole number (n \\in \\mathbb{Z})."""
    if node[0] == "seq" and len(node) == 3 and node[2][0] == "rel" and node[2][1] == ("in",):
        name, field = node[2][2]
        if name[0] == "sym" and field in (("word", "field Z"), ("word", "field N")):
            return node[1]
    return node


def _as_set(node: Node) -> Node:
    node = strip_name(node)
    return ("set", *node[1:]) if node[0] == "seq" else node


def _as_text(candidate: str, reference: str, left: bool, right: bool) -> Verdict:
    """Decide where one side at least is not mathematics that can be read."""
    if compare_text(candidate, reference).correct:
        return Verdict(CORRECT, "the same text")
    if right and not left:
        return Verdict(UNREADABLE, "the candidate is not mathematics")
    if "\\" not in candidate and "\\" not in reference and not left:
        return Verdict(WRONG, "other text")
    return Verdict(WRONG if left else UNREADABLE, "cannot be compared")
