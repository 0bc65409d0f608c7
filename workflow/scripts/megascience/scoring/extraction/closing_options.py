"""Closing letters: the options that a completion ends in, where no phrase or verdict states them."""

import itertools
import re
from collections.abc import Sequence

from megascience.scoring.extraction.doubt import hedged
from megascience.scoring.extraction.formulas import last_formula
from megascience.scoring.extraction.option_statements import CHOOSE, VERDICT, marked_right
from megascience.scoring.extraction.options import option_letter
from megascience.scoring.extraction.readers import Reader
from megascience.scoring.extraction.sentences import closing_sentence, last_number
from megascience.scoring.extraction.windows import letters, windows
from megascience.scoring.text.choices import bare, letter_at, lists_letters, read_letters
from megascience.scoring.text.markup import plain

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


def closing_choice(
    text: str, end: int, lines: list[tuple[int, str]], options: Sequence[str] | None, read: Reader
) -> str | None:
    """Return the option of a `choice` question that the last line ends in, or the first one opens with, or None."""
    at, last = lines[-1]
    count = len(options) if options else 26
    if len(lines) > 1 and letter_at(bare(lines[-2][1])) and letter_at(bare(last)):
        return None  # the options once more, not an answer
    found = _lone_in(lines, read, options, "choice")
    if found is None and not _restates(last):
        sentence = closing_sentence(last)
        found = _closing_letter(sentence, count, options)
        if found is None and options:
            found = option_letter(sentence, options) or _mentioned(sentence, options)
            if _mentioned(last[: last.rfind(sentence)], options) not in (None, found):
                found = None  # "X is the drug of choice. Y is used for hypertension."
            if found is None and not _DENIAL.search(sentence):
                formula = last_formula(text, at, end, "expression") if "$" in last or "\\(" in last else None
                stated = (formula and formula.answer) or last_number(sentence) or ""
                found = option_letter(stated, options)
    return found or _opening_letter(lines, count)


def closing_choices(
    text: str, start: int, end: int, lines: list[tuple[int, str]], options: Sequence[str] | None, read: Reader
) -> str | None:
    """Return the options of a `multi_choice` question that a completion closes with or calls right, or None."""
    at, last = lines[-1]
    found = _lone_in(lines, read, options, "multi_choice")
    if found is None and options and _ALL_CORRECT.search(last):
        found = ",".join(chr(65 + i) for i in range(len(options)))
    if found is None:
        tail = closing_sentence(last).rpartition(": ")[2]
        found = _lone(tail, read, options, "multi_choice") or _called_right(text, start, end, at)
    return found


_RIGHT_ONES = re.compile(
    r"[\s*_#>-]{0,8}(?:the\s+)?(?P<no>in(?=correct)|not\s+|un)?(?:correct|right|true|valid|false|wrong|invalid|rejected|eliminated|excluded)\b"
    r"[^:\n]{0,40}:",
    re.IGNORECASE,
)
_WRONG_WORD = re.compile(r"incorrect|false|wrong|invalid|rejected|eliminated|excluded|not\s", re.IGNORECASE)


def sorted_out(text: str, read: Reader, options: Sequence[str] | None) -> str | None:
    """Return the right ones where options are sorted into right and wrong ones ("Correct: A, C / Incorrect: B, D")."""
    found: dict[bool, str] = {}
    for line in text[-600:].strip().split("\n")[-4:]:
        match = _RIGHT_ONES.match(line)
        stated = _lone(line[match.end() :], read, options, "multi_choice") if match else None
        if match and stated:
            found[_WRONG_WORD.search(match[0]) is None] = stated
    return found[True] if len(found) == 2 else None


_LABEL = re.compile(r"(?:^|[\s(\[*])([A-Z])\s?[).:\]]")


def _restates(line: str) -> bool:
    """Return whether a line lists options: "A. red B. green C. blue"."""
    labels = [match[1] for match in _LABEL.finditer(line)]
    return any(ord(b) - ord(a) == 1 for a, b in itertools.pairwise(labels))


def _called_right(text: str, start: int, end: int, last: int) -> str | None:
    """Return the options of a `multi_choice` question that a completion calls right, in its last line or in all."""
    for position in (last, start):
        found: set[str] = {match["rest"].upper() for match in marked_right(text, position, end)}
        for left, right in windows(text, position, end, letters(text, position, end), 160, 260):
            listed = _LISTED.finditer(text, left, right)
            found |= {letter for match in listed for letter in re.findall(r"\b[A-Z]\b", match[1])}
            found |= {m["letter"] for m in VERDICT.finditer(text, left, right) if not hedged(text, m.start())}
            for match in CHOOSE.finditer(text, left, right):
                found |= set((read_letters(match["rest"]) or "").split(",")) - {""}
        if found:
            return ",".join(sorted(found))
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


def _closing_letter(sentence: str, options: int, texts: Sequence[str] | None) -> str | None:
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
    matches = [*_CLOSING.finditer(clause), *_INITIAL.finditer(clause)]
    starts = [(m, clause.rfind(",", 0, m.start(1)) + 1) for m in matches]
    found = {m[1] for m, start in starts if not hedged(clause[start:], m.start(1) - start) or "sure" in clause}
    if texts and not re.search(r"\b(?:option|choice|answer|letter)\b", clause, re.IGNORECASE):
        found = {letter for letter in found if not _abbreviates_another(letter, texts)}
    found = {letter for letter in found if ord(letter) - 65 < options}
    return found.pop() if len(found) == 1 else None


def _abbreviates_another(letter: str, options: Sequence[str]) -> bool:
    """Return whether a letter may stand for the text of another option than its own: C for carbon, option D."""
    own = ord(letter) - 65
    one_word = [i for i, option in enumerate(options) if len(option.split()) == 1 and option[:1].upper() == letter]
    return bool(one_word) and own not in one_word


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


def _lone_in(lines: list[tuple[int, str]], read: Reader, options: Sequence[str] | None, kind: str) -> str | None:
    """Return what the last line is, or the first one, where it is nothing but an answer."""
    found = _lone(lines[-1][1], read, options, kind)
    return found or (_lone(lines[0][1], read, options, kind) if len(lines) > 1 else None)


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
_CONCLUSION_WORD = re.compile(r"^(?:so|thus|therefore|hence|consequently|overall),?\s+")
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
            (len(text) > 8 and _CONCLUSION_WORD.sub("", said.strip(" .!")) == text)
            or re.search(_PREDICATE + re.escape(text) + r"(?![\w/^\\])(?!\s*[-+*=])", said)
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
