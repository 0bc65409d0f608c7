"""Closing words: the answer of a completion that states none in a known form, by its last line or sentence."""

import re
from collections.abc import Sequence

from megascience.scoring.extraction.closing_options import closing_choice, closing_choices
from megascience.scoring.extraction.closing_words import verdict_word
from megascience.scoring.extraction.formulas import last_formula, whole_math
from megascience.scoring.extraction.readers import Reader
from megascience.scoring.extraction.sentences import bold_number, closing_sentence, last_number, without_asides
from megascience.scoring.extraction.structures import structure_in
from megascience.scoring.math.numerals import read_number
from megascience.scoring.model import Extraction
from megascience.scoring.text.markup import unwrap


def _lines(text: str, start: int, end: int) -> list[tuple[int, str]]:
    found, position = [], start
    for line in text[start:end].split("\n"):
        if line.strip(" `\t\r~"):
            found.append((position, line))
        position += len(line) + 1
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
