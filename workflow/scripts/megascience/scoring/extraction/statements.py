"""Commitments: the places where a completion states its answer, without those that it hedges or denies."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from megascience.scoring.extraction.doubt import hedged
from megascience.scoring.extraction.option_statements import verdicts
from megascience.scoring.extraction.windows import LONE_LETTER, lowered, places, windows
from megascience.scoring.math.numerals import read_number
from megascience.scoring.math.units import NONE, read_unit
from megascience.scoring.model import MATHEMATICAL, MAX_ANSWER, MAX_COMPLETION
from megascience.scoring.text import languages
from megascience.scoring.text.markup import boxes

#: Kinds whose answers may be formulas.
_MATH = MATHEMATICAL | {"number", "quantity", "auto"}


@dataclass(frozen=True, slots=True)
class Commitment:
    """A place where a completion states its answer."""

    start: int
    end: int
    text: str
    rule: str
    delimited: bool


_PHRASE = re.compile(
    r"(?:(?P<what>\b(?:final|correct|right|best|most\s+\w+|actual|exact|numerical|required|closest|incorrect|false|wrong|"
    r"my|our|overall|only|appropriate|true|complete|simplified|accurate|suitable|not|exception)\s+){0,3}"
    r"\b(?P<noun>answer|option|choice|letter|statement|ans|solution(?=\s+(?:is|to)))(?P<many>s|\(s\))?\b[\"']?"
    r"(?:(?P<mid>(?:\s+(?:to|for|of|in|from|among|that|which|on|here|letter|choice|option|number)\b[^.\n:=]{0,100}?)?)"
    r"\s*(?:\*\*|__|\*)?\s*"
    r"(?P<verb>\b(?:is|are|was|would\s+be|should\s+be|must\s+be|will\s+be|has\s+to\s+be|seems\s+to\s+be|appears\s+to\s+be|"
    r"might\s+be|could\s+be|may\s+be|can\s+be|becomes|remains|equals|isn['’]t|cannot\s+be|can't\s+be)\b"
    r"(?:\s+(?:therefore|thus|hence|then|indeed|simply|clearly|definitely|likely|probably|most\s+likely|actually|now|"
    r"just|still|obviously|also|approximately|about|roughly|given\s+by|as\s+follows|for\s+(?:sure|certain)|certainly|"
    r"surely|in\s+fact|only))*\s*[:：]?|[:：])"
    r"|\s*(?:=|→|⇒|[-=]>|\s[-–—]\s))"
    r"|\banswer\s+(?=\(?[A-Z]\)?\s*(?:$|[.\n])|\$|\\[(\[])|\bans\.\s*(?=\(?[a-zA-Z]\)?\W|[-\d$\\]))"
    r"(?P<gap>[\s*_:：]*)",
    re.IGNORECASE,
)


_HEDGE_VERB = re.compile(r"might|could|may|can\s+be|seems|appears|isn|cannot|can't", re.IGNORECASE)


#: What follows an answer that would be one elsewhere: "would be D for a normal patient".
_FOR_ANOTHER = re.compile(
    r"[\s*_(\[]{0,6}\S{1,40}\s+(?:for|in|if|unless|when|with|under|had|were|but|only)\b", re.IGNORECASE
)
NEGATED = re.compile(
    r"^\s*(?:\*\*)?(?:not|never|neither|definitely not|certainly not|none of these, but|incorrect|wrong|unlikely)\b",
    re.IGNORECASE,
)


_BUT = re.compile(
    r"(?:\b(?:but(?:\s+rather)?|rather|instead(?:\s+it\s+is)?|it\s+is|it's)\b\s*,?\s*(?:it\s+is\s+|it's\s+)?"
    r"|\b(?:true|false|correct|right|supported)\s+(?:is|would\s+be|must\s+be)\s*:?\s*)(?P<rest>.+)",
    re.IGNORECASE | re.DOTALL,
)


_CLOSING_TAG = re.compile(r"[<\[]\s{0,3}/\s{0,3}(answer|final_answer|final)\s{0,3}[>\]]", re.IGNORECASE)
_HASHES = re.compile(r"^[ \t]{0,8}#{4}[ \t]*(?!#)(.+)$", re.MULTILINE)


_SENTENCE_END = re.compile(
    r"(?<![A-Z\d]\.[A-Z])(?<!\be\.g)(?<!\bi\.e)(?<!approx)(?<!\bDr)(?<!\bvs)[.!?](?=\s|$|\*\*|\"|\$\s)|。|\n\s*\n|\n"
)


def body_of(text: str) -> tuple[int, int]:
    """Return the part of a completion that may hold its answer: the end of a very long one."""
    return max(0, len(text) - MAX_COMPLETION), len(text)


def _content(text: str, start: int, stop: int, math: bool) -> tuple[str, int]:
    """Return what an answer phrase states from `start` on: a display formula, or up to the end of the sentence."""
    window = text[start : min(stop, start + 1_500)]
    lead = len(window) - len(window.lstrip(" \t\n*_:>"))
    for left, right in (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")):
        if window.startswith(left, lead):
            end = window.find(right, lead + len(left))
            if end > 0 and math:
                after = window[end + len(right) :]
                following = re.match(r"\s*(?:,|and\b|or\b|,\s*and\b|\\?%|°|[a-zA-Z/²³]{1,12}\b(?!\s*\())", after)
                if following is None or "\\boxed" in window[lead:end]:
                    return window[lead : end + len(right)], start + end + len(right)
    position = lead
    while True:
        match = _SENTENCE_END.search(window, position)
        if match is None:
            return window[lead:], start + len(window)
        inside = window[lead : match.start()]
        # a full stop inside a formula does not end the sentence
        if math and (
            inside.count("$") % 2 or inside.count("\\(") > inside.count("\\)") or inside.count("{") > inside.count("}")
        ):
            position = match.end()
            continue
        if not inside.strip(" *_"):
            position = match.end()
            if position >= len(window):
                return "", start
            continue
        return inside, start + match.start()


def _abbreviated(text: str, content: str, end: int, options: Sequence[str]) -> tuple[str, int]:
    """Return an option's text that begins like a letter with a full stop ("E. coli"), or the content as it is."""
    start = end - len(content.lstrip())
    for option in options:
        option = option.strip()
        if re.match(r"[A-Z]\.\s", option) and text.startswith(option, start):
            return option, start + len(option)
    return content, end


def _part_of_name(text: str, start: int, stated: str, options: Sequence[str]) -> bool:
    """Return whether a letter ends a name that an option's text holds ("Vitamin C is the answer")."""
    before = re.search(r"([A-Za-z]+)\s+$", text[max(0, start - 30) : start])
    if before is None or len(stated) != 1:
        return False
    name = re.compile(rf"\b{before[1]}\s+{stated}\b", re.IGNORECASE)
    return any(name.search(option) for option in options)


def _with_text(text: str, end: int, content: str, bold: bool, options: Sequence[str] | None) -> int:
    """Return where a stated letter ends together with its option's text ("**D. A is false but B is true**")."""
    letter = re.fullmatch(r"[\s*_(\[]*([A-Z])[)\]]?", content)
    if letter is None:
        return end
    line = text[end : text.find("\n", end) if "\n" in text[end:] else len(text)]
    if bold and (close := line.find("**")) > 0:
        return end + close
    position = ord(letter[1]) - 65
    if options and position < len(options):
        option = options[position].strip()
        at = line.find(option[:60])
        if 0 <= at <= 5:
            return end + at + len(option)
    return end


def _phrases(
    text: str, lower: str, start: int, stop: int, kind: str, options: Sequence[str] | None
) -> Iterator[Commitment]:
    for left, right in windows(text, start, stop, places(lower, start, stop, _NOUNS), 60, 320):
        yield from _phrases_in(text, left, right, stop, kind, options)


def _phrases_in(
    text: str, start: int, end: int, stop: int, kind: str, options: Sequence[str] | None
) -> Iterator[Commitment]:
    math = kind in _MATH
    for match in _PHRASE.finditer(text, start, end):
        verb = match["verb"] or ""
        if match["many"] and not match["what"] and match["noun"].lower() in ("option", "choice", "statement", "letter"):
            continue  # "the options are:" restates them
        if _HEDGE_VERB.search(verb) or hedged(text, match.start() + len(match[0]) - len(match[0].lstrip())):
            negation = re.search(r"isn|cannot|can't", verb)
            if not negation:
                continue
        content, end = _content(text, match.end(), stop, math)
        if not content.strip() or text[end : end + 1] == "?":
            continue
        if "would" in verb and _FOR_ANOTHER.match(content):
            continue
        if options and len(content.strip()) == 1 and text[end : end + 1] == ".":
            content, end = _abbreviated(text, content, end, options)
        denied = NEGATED.match(content) and kind != "boolean"  # "Answer: incorrect" is one there
        if denied or re.search(r"isn|cannot|can't", verb):
            rest = _BUT.search(content)
            if rest is None:
                continue
            content = rest["rest"]
        end = _with_text(text, end, content, "**" in match["gap"] or match[0].endswith("**"), options)
        yield Commitment(match.start(), end, content, "answer phrase", False)


#: A line that is nothing but "Answer": the answer stands below it.
_HEADING = re.compile(
    r"^[ \t#>*_]*(?:(?:final|correct|short|my|the)\s+){0,2}(?:answer|ans)[ \t*_:.]*\n+", re.IGNORECASE | re.MULTILINE
)
#: The nouns of answer phrases; without one no phrase need be looked for.
_NOUNS = ("answer", "option", "choice", "letter", "statement", "ans", "solution")
#: The words of other languages in Latin script; without them their patterns are not tried.
_LATIN = ("antwor", "respuest", "respost", "rispost", "odpowied", "cevap", "jawaban", "jibu", "reponse")


def _headings(text: str, lower: str, start: int, stop: int, math: bool) -> Iterator[Commitment]:
    for left, right in windows(text, start, stop, places(lower, start, stop, ("ans",)), 40, 60):
        for match in _HEADING.finditer(text, left, min(stop, right + 40)):
            content, end = _content(text, match.end(), stop, math)
            stated = content.strip()
            if stated and (stated.startswith(("$", "\\(", "\\[")) or len(stated.split()) <= 12):
                yield Commitment(match.start(), end, content, "answer phrase", False)


def _foreign(text: str, lower: str, start: int, stop: int, math: bool) -> Iterator[Commitment]:
    """Yield the answers that phrases in other languages state."""
    for left, right in windows(text, start, stop, places(lower, start, stop, languages.CUES), 40, 120):
        for match in languages.PHRASE.finditer(text, left, right):
            content, end = _content(text, match.end(), stop, math)
            if content.strip() and not languages.NEGATED.match(content):
                yield Commitment(match.start(), end, content, "answer phrase", False)


def _tagged(text: str, start: int, stop: int) -> Iterator[Commitment]:
    """Yield what stands between `<answer>` and `</answer>`."""
    for close in deque(_CLOSING_TAG.finditer(text, start, stop), 8):
        window = max(start, close.start() - 4 * MAX_ANSWER)
        mark = re.compile(rf"[<\[]\s{{0,3}}{close[1]}\s{{0,3}}[>\]]", re.IGNORECASE)
        openings = list(mark.finditer(text, window, close.start()))
        if openings:
            begin = openings[-1]
            yield Commitment(begin.start(), close.end(), text[begin.end() : close.start()], "tag", True)


def commitments(
    text: str, start: int, stop: int, kind: str, options: Sequence[str] | None, every: bool = True
) -> list[Commitment]:
    """Return the places that state an answer, in the order of their ends.

    Args:
        text: the completion.
        start, stop: where to look.
        kind: the kind of answer.
        options: the options' texts, for choices.
        every: verdicts on options are looked for also where the completion ends in a statement, which comes after all
            of them; without them this is faster.
    """
    found: list[Commitment] = []
    segment = text[start:stop]
    joined: list[tuple[int, int, str]] = []
    if "\\boxed" in segment or "\\fbox" in segment or "\\framebox" in segment:
        for a, b, c, d in boxes(segment):
            content = segment[c:d]
            between = segment[joined[-1][1] : a] if joined else ""
            if (
                joined
                and kind != "text"
                and len(between) <= _MAX_BETWEEN
                and (_CONNECTED.fullmatch(between) or _PART.search(between))
            ):
                joined[-1] = (joined[-1][0], b, f"{joined[-1][2]}, {content}")
            else:
                joined.append((a, b, content))
        found += [Commitment(start + a, start + b, content, "box", True) for a, b, content in joined]
    if "</" in segment or "[/" in segment:
        found += _tagged(text, start, stop)
    if "####" in segment:
        for left, right in windows(text, start, stop, places(text, start, stop, ("####",)), 10, 400):
            found += [Commitment(m.start(), m.end(), m[1], "hashes", True) for m in _HASHES.finditer(text, left, right)]
    math = kind in _MATH
    lower = lowered(text)
    found += _phrases(text, lower, start, stop, kind, options)
    found += _headings(text, lower, start, stop, math)
    if not segment.isascii() or any(word in lower for word in _LATIN):
        found += _foreign(text, lower, start, stop, math)
    settled = not every and any(
        not text[c.end : stop].strip(" \n.*`$)") and len(LONE_LETTER.findall(c.text)) < 2 for c in found
    )
    if kind == "choice" and not settled:
        found += [
            Commitment(a, b, stated, rule, False)
            for a, b, stated, rule in verdicts(text, lower, start, stop)
            if not hedged(text, a) and not (options and _part_of_name(text, a, stated, options))
        ]
    found.sort(key=lambda c: (c.end, c.delimited))
    return found


_MAX_BETWEEN = 600
#: The next part of a question, which has an answer of its own: "(b)", "Part 2:".
_PART = re.compile(r"\n[\s*#>-]{0,8}(?:\([b-h]\)|[b-h]\)|part\s+(?:\(?[b-h]\)?|[2-9])\b)", re.IGNORECASE)
#: What joins two boxes to one answer: "$\\boxed{3}$ and $\\boxed{5}$", "x=\\boxed{3},\\quad y=\\boxed{4}".
_CONNECTED = re.compile(
    r"(?:[\s$,;.&]|\\[()\[\],;\s]|\\q?quad)*(?:and|or|\\text\s*\{\s*,?\s*(?:and|or)\s*\})?(?:[\s$&]|\\[()\[\],;\s]|\\q?quad)*"
    r"(?:\\?[a-zA-Z]+(?:_\{?\w+\}?)?\s*=\s*)?"
)


#: What goes on behind a box with the number in it: a power of ten, a percent sign, a unit.
_POWER_BEHIND = re.compile(
    r"[\s$~}]{0,3}(?:\\[,;:! ]\s?)?((?:\\times|\\cdot|×|·)\s*10\s*\^\s*(?:\{\s*[-+]?\d{1,4}\s*\}|[-+]?\d{1,4}))"
)
_PERCENT_BEHIND = re.compile(r"[\s$~]{0,3}(?:\\[,;:! ]\s?)?(\\?%|percent\b)")
_EXPONENT = r"(?:\^\s*\{?[-+]?\d\}?|[²³])?"
_STYLED = r"\\(?:text|mathrm|rm|mbox|textrm|unit|si)\s*\{[^{}]{1,40}\}" + _EXPONENT
_UNIT_BEHIND = re.compile(
    r"(?:\\[)\]])?[\s$~]{0,4}(?:\\[,;:! ]|\\quad|\\[)\]]|\s){0,2}[\s$]{0,2}"
    rf"((?:{_STYLED}|\^?\{{?\\circ\}}?\s*[CFK]?|[°Ωµμ€£¥%]\s*[A-Za-z]{{0,4}}|[A-Za-zΩµμ]{{1,12}}{_EXPONENT})"
    rf"(?:\s*[/·*]\s*[A-Za-zµμ]{{1,8}}{_EXPONENT}|(?:\\[,;]|\\cdot|\s)\s*{_STYLED}){{0,4}})"
)
#: A minus, or a sign for two values, right before a box.
_SIGN_BEFORE = re.compile(r"(?:^|[=$(:\[]|\bis|\\approx)[\s$]{0,3}(-|−|\\pm|±)\s?$")


def with_surroundings(text: str, start: int, end: int, answer: str) -> str:
    """Return a boxed answer with the sign before its box, and the power of ten and the unit behind it.

    Args:
        text: the completion.
        start, end: the place of the box.
        answer: what stands in it.
    """
    sign = _SIGN_BEFORE.search(text, max(0, start - 12), start)
    if sign:
        answer = f"{sign[1]} {answer}"
    if re.search(r"[a-zA-Z]\s*\}?\s*$", answer) and not re.search(r"\d\s*\}?$", answer):
        return answer  # it has a unit of its own, or is not a number
    power = _POWER_BEHIND.match(text, end)
    if power:
        answer, end = f"{answer} {power[1]}", power.end()
    percent = _PERCENT_BEHIND.match(text, end)
    if percent:
        return f"{answer} {percent[1]}"
    unit = _UNIT_BEHIND.match(text, end)
    if unit and read_number(answer) is not None and read_unit(unit[1]) not in (None, NONE):
        word = unit[1].strip()
        if not (word.isalpha() and (word in _NO_UNITS or (len(word) == 1 and word not in "mgsJNKVWCFLTh"))):
            return f"{answer} {unit[1]}"
    return answer


#: Words behind a box that a table of units knows, but which are words here.
_NO_UNITS = frozenset({"in", "at", "as", "am", "are", "is", "a", "I", "per", "min", "turn", "turns", "cycle"})
