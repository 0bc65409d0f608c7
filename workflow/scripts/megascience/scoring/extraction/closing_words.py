"""Closing words of a closed set: true or false, yes, no or maybe, where no phrase states the answer."""

import re

from megascience.scoring.extraction.readers import Reader
from megascience.scoring.extraction.sentences import closing_sentence
from megascience.scoring.extraction.statements import hedged
from megascience.scoring.model import Extraction
from megascience.scoring.text import languages

_FINAL_WORD = re.compile(
    r"(?:\b(?:so|thus|therefore|hence|is|overall|conclusion|verdict|say|answer)\b|[,;:–—])[\s,:*\"']*(yes|no|maybe)\W*$"
    r"|\b(?:(?:conclusion|verdict|response)\s+is\s*:?|in\s+conclusion,|overall,)\s*[*\"']*(yes|no|maybe)\b[*\"']*[,.;]",
    re.IGNORECASE,
)
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
