"""Closing words: the answer of a completion that states none in a known form, by its last line or sentence."""

import itertools
import re
from collections.abc import Sequence

from .choices import bare, letter_at, lists_letters, read_letters
from .closing_words import verdict_word
from .commitments import hedged
from .grammar import parse
from .markup import plain, unwrap
from .model import Extraction
from .numerals import read_number
from .options import option_letter
from .readers import Reader
from .sentences import LAST_EQUAL, bold_number, closing_sentence, last_number, without_asides
from .spelling import FUNCTIONS
from .structures import structure_in
from .tree import ParseError
from .verdicts import CHOOSE, VERDICT, marked_right


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
_ALL_CORRECT = re.compile(
    r"(?<!not )\ball\s+(?:of\s+)?(?:(?:the|these|above|given|listed|two|three|four|five|six)\s+)*"
    r"(?:options|choices|statements|answers)\s+(?:(?:above|given|listed)\s+)?are\s+(?:correct|true|right|valid)\b",
    re.IGNORECASE,
)

#: "A, C and D are correct", "only options B and E hold".
_LISTED = re.compile(
    r"(?<![\w'’-])(?<!not )(?<!neither )(?<!both not )(?i:options?\s+|statements?\s+|choices?\s+)?"
    r"([A-Z](?:\s*(?:,|\band\b|&|,\s*and\b)\s*[A-Z])+)\s+(?:are|hold|apply)\b(?:\s+(?:all|both|the))*"
    r"(?=\s+(?:correct|true|right|valid)\b|\s*[.!]?\s*$)"
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
        restated = kind == "choice" and len(lines) > 1 and letter_at(bare(lines[-2][1])) and letter_at(bare(last))
        if restated:  # the options once more, not an answer
            return None
        found = _lone(last, read, options, kind) or (
            _lone(lines[0][1], read, options, kind) if len(lines) > 1 else None
        )
        if found is None and kind == "choice":
            sentence = closing_sentence(last)
            if not _restates(last):
                found = _closing_letter(sentence, len(options) if options else 26)
            if found is None and options and not _restates(last):
                found = option_letter(sentence, options) or _mentioned(sentence, options)
                if _mentioned(last[: last.rfind(sentence)], options) not in (None, found):
                    found = None  # "X is the drug of choice. Y is used for hypertension."
                if found is None and not _DENIAL.search(sentence):
                    formula = _last_formula(text, at, end, "expression") if "$" in last or "\\(" in last else None
                    stated = (formula and formula.answer) or last_number(sentence) or ""
                    found = option_letter(stated, options)
            if found is None:
                found = _opening_letter(lines, len(options) if options else 26)
        if found is None and kind == "multi_choice" and options and _ALL_CORRECT.search(last):
            found = ",".join(chr(65 + i) for i in range(len(options)))
        if found is None and kind == "multi_choice":
            tail = closing_sentence(last).rpartition(": ")[2]
            found = _lone(tail, read, options, kind) or _called_right(text, start, end, at)
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
        answer = structure_in(whole, kind) or _whole_math(whole)
        if answer:
            return Extraction(answer, "whole completion", (start, end))
    formula = _last_formula(text, start, end, kind)
    if formula is None and "$" not in last and "\\" not in last:
        sentence = closing_sentence(last)
        answer = structure_in(sentence, kind)
        if answer is None and kind not in ("tuple", "interval", "matrix", "equation"):
            answer = last_number(sentence)
        return Extraction(answer, "last sentence", (at, at + len(last))) if answer else None
    return formula


_LABEL = re.compile(r"(?:^|[\s(\[*])([A-Z])\s?[).:\]]")


def _restates(line: str) -> bool:
    """Return whether a line lists options: "A. red B. green C. blue"."""
    labels = [match[1] for match in _LABEL.finditer(line)]
    return any(ord(b) - ord(a) == 1 for a, b in itertools.pairwise(labels))


def _called_right(text: str, start: int, end: int, last: int) -> str | None:
    """Return the options of a `multi_choice` question that a completion calls right, in its last line or in all."""
    for position in (last, start):
        letters = set()
        if listed := list(_LISTED.finditer(text, position, end)):
            letters = {letter for match in listed for letter in re.findall(r"\b[A-Z]\b", match[1])}
        letters |= {m["letter"] for m in VERDICT.finditer(text, position, end) if not hedged(text, m.start())}
        letters |= {match["rest"].upper() for match in marked_right(text, position, end)}
        for match in CHOOSE.finditer(text, position, end):
            letters |= set((read_letters(match["rest"]) or "").split(",")) - {""}
        if letters:
            return ",".join(sorted(letters))
    return None


_DENIAL = re.compile(
    r"\b(?:not|no|never|neither|nor|except|unlike|incorrect|wrong|false|rather|eliminat\w+|rule[sd]?|might|could|may|"
    r"perhaps|maybe|possibly|or|if|either|sure|cannot|against|avoid\w*|nobody|stop\w*|"
    r"contradict\w*|inconsistent|incompatible|exclud\w*|refut\w*|least|unlikely)\b|n't\b|\?",
    re.IGNORECASE,
)


_CLOSING = re.compile(
    r"(?:\b(?i:is|be|it's|that's|with|leaves|leaving|option|choice|answer|letter|solution|so|thus|therefore|hence|say|yes|yes,|"
    r"matches|fits|corresponds\s+to|probably|most\s+likely)\s+|"
    r":\s*|^\s*→\s*|\(\s*)[(\[\"'*$]{0,4}([A-Z])[)\]\"'*$]{0,4}\s*(?=[.),!]|$)"
)


_INITIAL = re.compile(
    r"^(?:[^,]{0,60},\s*)?(?i:option\s+|choice\s+|solution\s+)?([A-Z])\s+(?i:is(?=\.|$|\s+better)|best\b|fits\b)"
)


def _closing_letter(sentence: str, options: int) -> str | None:
    """Return the one letter that a closing sentence ends in ("…, so it is B"), or None where it denies or weighs."""
    clause = re.split(
        r",\s+(?=leaving\b|so\b|we\b|therefore\b|thus\b|hence\b)|,?\s+(?=but\b)|;\s+|:\s+(?=[(\"'*]*[A-Z][)\"'*.]*$)",
        sentence,
    )[-1]
    clause = re.split(r"\sover\s", clause)[0]
    if clause != sentence and not re.search(r"\b(?:is|be)\b", clause) and len(clause) < 6:
        clause = ": " + clause
    if _DENIAL.search(re.sub(r"\bsure\s+that\b|\bi(?:'m|\s+am)\s+sure\b", "", clause, flags=re.IGNORECASE)):
        return None
    if any(lists_letters(clause[m.start(1) :], options) for m in _CLOSING.finditer(clause)):
        return None
    found = {m[1] for m in _CLOSING.finditer(clause)} | {m[1] for m in _INITIAL.finditer(clause)}
    found = {letter for letter in found if ord(letter) - 65 < options}
    return found.pop() if len(found) == 1 else None


_FORMULA = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|\$([^$\n]+)\$", re.DOTALL)


_CUE = re.compile(
    r"\b(?:is|are|equals?|get|gets|obtain|have|gives?|yields?|thus|therefore|hence|so|then|conclude|becomes?|find|found|"
    r"follows|value|result)\b|[:=]",
    re.IGNORECASE,
)


def _last_formula(text: str, start: int, end: int, kind: str) -> Extraction | None:
    """Return the formula that a completion closes with, if words such as "thus" or "is" lead to it."""
    spans = list(_FORMULA.finditer(text, start, end))
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


def _whole_math(text: str) -> str | None:
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


_OPENS = re.compile(r"^[(\[*\"']{0,3}([A-HJ-Z])[)\]*\"']{0,3}\s*[.):,。—–-]?\s*(?=\S)")


def _opening_letter(lines: list[tuple[int, str]], options: int) -> str | None:
    """Return the letter that a completion opens with and then explains ("D. It cannot be A, since…"), or None."""
    match = _OPENS.match(lines[0][1].strip())
    if match is None or ord(match[1]) - 65 >= options:
        return None
    rest = lines[0][1].strip()[match.end() :]
    marked = match[0].rstrip()[-1] in ".):,。—–-*\"'"
    if sum(bool(re.match(r"[\s(\[*>-]*[A-Z][.):]", line)) for _, line in lines) > 1:
        return None  # an outline, or the options
    if re.match(r"(?:because|since|as|due\s+to|不是\s*[A-Z]|:)", rest, re.IGNORECASE):
        return match[1]
    if marked and re.match(
        r"(?:it|this|that|these|the|a|an|we|i|if|in|by|only|both|all|not|according|based|here|explanation|reason)\b",
        rest,
        re.IGNORECASE,
    ):
        return match[1]
    return None


def _lone(line: str, read: Reader, options: Sequence[str] | None, kind: str) -> str | None:
    """Return the letter of a line that is nothing but an answer: `C`, `(C)`, `**C**`, `C. 42 m/s`."""
    stated = bare(line.lstrip(" #>-").rstrip(" -"))
    if kind == "multi_choice":
        return (
            read(stated, True)
            if len(stated) <= 60 and re.fullmatch(r"[(\[]?[A-Z][)\].,;/\sA-Zand&()\[\]]*", stated)
            else None
        )
    found = letter_at(stated, len(options) if options else 26)
    if found is None:
        return option_letter(stated, options) if options else None
    letter, end = found
    if re.search(rf"(?:^|\s)[(\[]?{chr(ord(letter) + 1)}[)\].:]", stated[end:]):
        return None  # the options themselves, on one line
    rest = stated[end:].strip(" ).:,-!")
    if not rest:
        return letter
    if options and ord(letter) - 65 < len(options):
        text = plain(options[ord(letter) - 65])
        return letter if text and plain(rest).startswith(text[:60]) else None
    return None


#: What stands before a stated result: "is", "=", "get", … and an article.
_PREDICATE = (
    r"(?:\b(?:is|are|was|were|be|will|must|called|namely|equals?|becomes?|gives?|gets?|yields?|obtain|have|leaving|leaves)\s+|'s\s+|[=:≈]\s*)"
    r"(?:therefore |thus |then |about |approximately |equal to )?(?:the |a |an )?"
)


#: What leads to the treatment, test or act that a sentence ends in.
_ADVISES = (
    r"\b(?:recommend|suggest|prescribe|order|choose|select|administer|give|start|begin|perform|try|use)(?:s|ing|ed)?\s"
    r"(?:[a-z]+\s){0,3}"
)
_CONCLUDES = re.compile(r"\s*(?:so|thus|therefore|hence|consequently|overall|in\s+(?:conclusion|summary|short))\b,?\s")


def _whole(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w^]){re.escape(text)}(?![\w/^\\])(?!\s*[-+*=])")


_SUBJECT = r"\s*(?:(?:so|thus|therefore|hence|in\s+conclusion|consequently|overall),?\s+)?(?:(?:the|an?)\s+)?"


def _mentioned(line: str, options: Sequence[str]) -> str | None:
    """Return the one option whose text stands in a last line that denies nothing, or None."""
    parts = re.split(r";\s+", line)
    if len(parts) > 1:
        found = {_mentioned(part, options) for part in parts} - {None}
        return found.pop() if len(found) == 1 else None
    clause = re.split(r",\s+(?=leaving\b|so\b|but\b)", line)[-1]
    clause = re.split(r"\s(?:rather\s+than|instead\s+of|as\s+opposed\s+to)\s|,\s+(?:and\s+)?not\s", clause)[0]
    said = f" {plain(clause)} "
    if re.search(r"\b(?:not|no|never|neither|nor|except|unlike|incorrect|false|however)\b|n't\b", said):
        return None
    hits = []
    for position, option in enumerate(options):
        text = plain(option)
        if len(text) > 1 and (
            re.search(_PREDICATE + re.escape(text) + r"(?![\w/^\\])(?!\s*[-+*=])", said)
            or (len(text) > 3 and _CONCLUDES.match(said) and _whole(text).search(said))
            or (
                len(text) > 3
                and not _DENIAL.search(said)
                and re.search(_ADVISES + re.escape(text) + r"$", said.strip(" .!"))
            )
            or re.match(
                _SUBJECT + re.escape(text) + r"\s+(?:is|are|was|were|would\s+be|must\s+be|fits|best|seems)\b", said
            )
        ):
            hits.append((len(text), position, text))
    hits = [h for h in hits if not any(h[2] in other[2] and h is not other for other in hits)]
    return chr(65 + hits[0][1]) if len(hits) == 1 else None
