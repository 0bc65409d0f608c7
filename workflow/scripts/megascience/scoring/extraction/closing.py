"""Closing words: the answer of a completion that states none in a known form, by its last line or sentence."""

import re
from collections.abc import Sequence

from megascience.scoring.extraction.closing_options import closing_choice, closing_choices
from megascience.scoring.extraction.doubt import hedged
from megascience.scoring.extraction.formulas import last_formula, whole_math
from megascience.scoring.extraction.readers import Reader
from megascience.scoring.extraction.sentences import bold_number, closing_sentence, last_number, without_asides
from megascience.scoring.extraction.structures import structure_in
from megascience.scoring.math.numerals import read_number
from megascience.scoring.model import Extraction
from megascience.scoring.text import languages
from megascience.scoring.text.choices import BESIDE
from megascience.scoring.text.markup import unwrap

#: A line is looked at up to this length: the first one from its start, others from their end.
_MAX_LINE = 2_000


def _lines(text: str, start: int, end: int) -> list[tuple[int, str]]:
    """Return the lines that are not empty with their places, long ones cut short."""
    found: list[tuple[int, str]] = []
    position = start
    for line in text[start:end].split("\n"):
        if line.strip(" `\t\r~"):
            cut = max(0, len(line) - _MAX_LINE)
            found.append((position + cut, line[cut:]))
        position += len(line) + 1
    if len(found) > 1 and len(found[0][1]) == _MAX_LINE:
        at = text.rfind("\n", start, found[0][0]) + 1
        found[0] = (max(at, start), text[max(at, start) : max(at, start) + _MAX_LINE])
    return found


#: What some models close with after the answer.
_PLEASANTRY = re.compile(
    r"^[\s*_>-]*(?:i\s+hope\b|(?:please\s+)?let\s+me\s+know\b|feel\s+free\b|hope\s+this\b|if\s+you\s+(?:have|need|want|would)\b|"
    r"is\s+there\s+anything\b|thank\s+you\b|would\s+you\s+like\b|great\s+job\b)[^\d]*$",
    re.IGNORECASE,
)


def fallback(
    text: str, start: int, end: int, kind: str, options: Sequence[str] | None, read: Reader, committed: bool
) -> Extraction | None:
    """Look at the ends of a completion that states no answer in any known form."""
    lines = _lines(text, start, end)
    if not lines:
        return None
    while len(lines) > 1 and _PLEASANTRY.match(lines[-1][1]):
        lines.pop()
    at, last = lines[-1]
    whole = text[start:end].strip()
    if kind in ("choice", "multi_choice"):
        found = (
            closing_choice(text, end, lines, options, read)
            if kind == "choice"
            else closing_choices(text, start, end, lines, options, read)
        )
        return Extraction(found, "lone letter", (at, at + len(last))) if found else None
    if kind in ("boolean", "yes_no_maybe"):
        return verdict_word(text, lines, kind, read)
    if kind in ("number", "quantity"):
        if len(whole) <= 40 and "\n" not in whole and "=" not in whole and read_number(whole) is not None:
            return Extraction(unwrap(whole), "whole completion", (start, end))
        answer = bold_number(last) or last_number(closing_sentence(without_asides(last)))
        return Extraction(answer, "last sentence", (at, at + len(last))) if answer else None
    if kind == "text":
        if len(whole.split()) <= 12:
            return Extraction(unwrap(whole), "whole completion", (start, end))
        sentence = closing_sentence(last)
        return (
            Extraction(unwrap(sentence), "last sentence", (at, at + len(last))) if len(sentence.split()) <= 20 else None
        )
    if "\\boxed" in whole:  # a box that never closes: the answer was cut off
        return None
    if len(whole) < 200 and "\n" not in whole and not re.search(r"[^\s$]\s*\$|\\\(", whole.strip(" $")):
        answer = structure_in(whole, kind) or whole_math(whole)
        if answer:
            return Extraction(answer, "whole completion", (start, end))
    formula = last_formula(text, start, end, kind)
    if formula is None and "$" not in last and "\\" not in last:
        sentence = closing_sentence(last)
        answer = structure_in(sentence, kind)
        if answer is None and kind not in ("tuple", "interval", "matrix", "equation"):
            answer = last_number(sentence)
        return Extraction(answer, "last sentence", (at, at + len(last))) if answer else None
    return formula


_FINAL_WORD = re.compile(
    r"(?:\b(?:so|thus|therefore|hence|is|overall|conclusion|verdict|say|answer)\b|[,;:–—])[\s,:*\"']*(yes|no|maybe)\W*$"
    r"|\b(?:(?:conclusion|verdict|response)\s+is\s*:?|in\s+conclusion,|overall,)\s*[*\"']*(yes|no|maybe)\b[*\"']*[,.;]",
    re.IGNORECASE,
)
#: The other truth value right behind one.
BOTH_VALUES = re.compile(BESIDE + r"(?:it\s+is\s+)?(?:not\s+)?(?:true|false|correct|incorrect)\b", re.IGNORECASE)
_VERDICT_LINE = re.compile(
    r"\W*(?:verdict|judge?ment|conclusion|assessment|decision|result|label|判断|判定|结论)\W*:\s*", re.IGNORECASE
)
_VERDICT_WORD = re.compile(
    r"\b(?:statement|assertion|claim|proposition|sentence|this|it)\s+"
    r"(?:[\"“'][^\"”]{0,300}[\"”']\s+|\([^()]{0,300}\)\s+|that\s[^.]{0,200}?\s)?"
    r"(?:(?:is|must be|would be|holds)\s+"
    r"(?:(?:therefore|thus|clearly|indeed|definitely|generally|considered|actually)\s+)*"
    r"(?P<word>(?:not\s+(?:(?:necessarily|always|entirely|strictly|quite|fully)\s+)?|in|un)?(?:true|false|correct|right|wrong|valid|accurate))|(?P<holds>does\s+not|doesn't)\s+hold)\b",
    re.IGNORECASE,
)


def verdict_word(text: str, lines: list[tuple[int, str]], kind: str, read: Reader) -> Extraction | None:
    """Return the truth value, or yes, no or maybe, that a completion begins or closes with, or None."""
    first, last = lines[0], lines[-1]
    if kind == "boolean":
        for at, line in reversed(lines[-3:]):
            line = line.replace("*", " ")
            foreign = None if line.isascii() else languages.STATEMENT.search(line)
            if foreign:
                return Extraction(
                    read(foreign["word"], False), "verdict on the statement", (at + foreign.start(), at + foreign.end())
                )
            verdicts = list(_VERDICT_WORD.finditer(line))
            match = verdicts[-1] if verdicts else None
            if match and BOTH_VALUES.match(line, match.end()):
                return None
            if match and not hedged(line, match.start()):
                word = "not true" if match["holds"] else match["word"].lower().replace("accurate", "correct")
                answer = read(word, False)
                if answer:
                    return Extraction(answer, "verdict on the statement", (at + match.start(), at + match.end()))
    sentence = closing_sentence(last[1])
    final = _FINAL_WORD.search(sentence) if kind == "yes_no_maybe" else None
    if final:
        return Extraction((final[1] or final[2]).lower(), "closing word", (last[0], last[0] + len(last[1])))
    if len(sentence.split()) == 1 and (answer := read(sentence, False)):
        return Extraction(answer, "closing word", (last[0], last[0] + len(last[1])))
    for at, line in (last, first):
        line = line[match.end() :] if (match := _VERDICT_LINE.match(line)) else line
        answer = read(line, False)
        if answer is not None and (
            len(line.split()) <= 3
            or re.match(r"\W*(?:true|false|yes|no|maybe)\b\W*(?:[.,:;—–-]|$)", line, re.IGNORECASE)
            or re.match(r"\W*(?:in)?(?:correct|wrong|right)\b[\s*]*(?:[.!:;—–]|$)", line, re.IGNORECASE)
        ):
            return Extraction(answer, "first word", (at, at + len(line)))
    return None
