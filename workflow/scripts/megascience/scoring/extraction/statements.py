"""Commitments: the places where a completion states its answer, without those that it hedges or denies."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from megascience.scoring.extraction.option_statements import verdicts
from megascience.scoring.model import MATHEMATICAL, MAX_COMPLETION
from megascience.scoring.text import languages
from megascience.scoring.text.markup import boxes

#: Kinds whose answers may be formulas.
_MATH = MATHEMATICAL | {"number", "quantity", "auto"}
#: Of each way to state an answer only so many last places are looked at: the last one wins, and a text that states
#: hundreds is a loop.
LAST = 64


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


#: Words right before a phrase that take the commitment out of it: "if the answer is", "whether option".
_HEDGE_NEXT = re.compile(
    r"\b(?:if|suppos\w+|assum\w+|whether|unless|what|which|how|not|than|claims?|says|said|guess|imply|implies|mean\s+that|"
    r"student's|your|their|his|her|previous|first|earlier|initial)(?:\s+that)?(?:\s+the)?(?:\s+correct)?\s*$",
    re.IGNORECASE,
)


#: Words that hedge the rest of their clause.
_HEDGE_FAR = re.compile(
    r"\b(?:(?:might|may|could)\s+(?:also\s+)?(?:think|say|argue|guess|be\s+tempted|conclude|assume|choose)|"
    r"would\s+(?:think|guess|be\s+tempted|assume)|perhaps|"
    r"maybe|possibly|at\s+first(?:\s+(?:glance|sight))?|initially|tempting|not\s+sure|unsure|unclear|wonder\w*|"
    r"check(?:ing)?\s+(?:if|whether)|would\s+(?:mean|imply)|suppose|not\s+(?:true|correct|the\s+case|possible)\s+that|"
    r"(?:do\s+not|don't|doesn't|cannot|can't)\s+(?:think|believe|say|conclude)|mistakenly|incorrectly|wrongly|common\s+mistake)\b"
    r"(?:(?!\bbut\b|\bhowever\b|\btherefore\b|\bthus\b|\bso\b|\bhence\b|\bstill\b|\bactually\b)[^.!?;\n])*$",
    re.IGNORECASE,
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


_TAG = re.compile(r"[<\[]\s*(answer|final_answer|final)\s*[>\]](.*?)[<\[]\s*/\s*\1\s*[>\]]", re.IGNORECASE | re.DOTALL)


_HASHES = re.compile(r"^\s*#{4}\s*(?!#)(.+)$", re.MULTILINE)


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


def hedged(text: str, start: int) -> bool:
    before = text[max(0, start - 120) : start]
    return _HEDGE_NEXT.search(before) is not None or _HEDGE_FAR.search(before) is not None


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


def _phrases(text: str, start: int, stop: int, kind: str, options: Sequence[str] | None) -> Iterator[Commitment]:
    math = kind in _MATH
    for match in deque(_PHRASE.finditer(text, start, stop), LAST):
        verb = match["verb"] or ""
        if match["many"] and not match["what"] and match["noun"].lower() in ("option", "choice", "statement", "letter"):
            continue  # "the options are:" restates them
        if _HEDGE_VERB.search(verb) or hedged(text, match.start()):
            negation = re.search(r"isn|cannot|can't", verb)
            if not negation:
                continue
        content, end = _content(text, match.end(), stop, math)
        if not content.strip() or text[end : end + 1] == "?":
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


def _headings(text: str, start: int, stop: int, math: bool) -> Iterator[Commitment]:
    for match in deque(_HEADING.finditer(text, start, stop), LAST):
        content, end = _content(text, match.end(), stop, math)
        stated = content.strip()
        if stated and (stated.startswith(("$", "\\(", "\\[")) or len(stated.split()) <= 12):
            yield Commitment(match.start(), end, content, "answer phrase", False)


def _foreign(text: str, start: int, stop: int, math: bool) -> Iterator[Commitment]:
    """Yield the answers that phrases in other languages state."""
    for match in deque(languages.PHRASE.finditer(text, start, stop), LAST):
        content, end = _content(text, match.end(), stop, math)
        if content.strip() and not languages.NEGATED.match(content):
            yield Commitment(match.start(), end, content, "answer phrase", False)


def commitments(text: str, start: int, stop: int, kind: str, options: Sequence[str] | None) -> list[Commitment]:
    found: list[Commitment] = []
    segment = text[start:stop]
    joined: list[tuple[int, int, str]] = []
    if "\\boxed" in segment or "\\fbox" in segment or "\\framebox" in segment:
        for a, b, c, d in boxes(segment):
            content = segment[c:d]
            if joined and kind not in ("text",) and _CONNECTED.fullmatch(segment[joined[-1][1] : a]):
                joined[-1] = (joined[-1][0], b, f"{joined[-1][2]}, {content}")
            else:
                joined.append((a, b, content))
        found += [Commitment(start + a, start + b, content, "box", True) for a, b, content in joined]
    if "</" in segment or "[/" in segment:
        found += [Commitment(m.start(), m.end(), m[2], "tag", True) for m in _TAG.finditer(text, start, stop)]
    if "####" in segment:
        found += [Commitment(m.start(), m.end(), m[1], "hashes", True) for m in _HASHES.finditer(text, start, stop)]
    math = kind in _MATH
    lower = segment.lower()
    if any(noun in lower for noun in _NOUNS):
        found += _phrases(text, start, stop, kind, options)
        found += _headings(text, start, stop, math)
    if not segment.isascii() or any(word in lower for word in _LATIN):
        found += _foreign(text, start, stop, math)
    if kind == "choice":
        found += [
            Commitment(a, b, stated, rule, False)
            for a, b, stated, rule in verdicts(text, start, stop)
            if not hedged(text, a) and not (options and _part_of_name(text, a, stated, options))
        ]
    found.sort(key=lambda c: (c.end, c.delimited))
    return found


#: What joins two boxes to one answer: "$\\boxed{3}$ and $\\boxed{5}$", "x=\\boxed{3},\\quad y=\\boxed{4}".
_CONNECTED = re.compile(
    r"(?:[\s$,;.&]|\\[()\[\],;\s]|\\q?quad)*(?:and|or|\\text\s*\{\s*,?\s*(?:and|or)\s*\})?(?:[\s$&]|\\[()\[\],;\s]|\\q?quad)*"
    r"(?:\\?[a-zA-Z]+(?:_\{?\w+\}?)?\s*=\s*)?"
)
