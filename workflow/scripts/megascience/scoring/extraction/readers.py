"""Readers: what a stated text says as an answer of one kind, or None."""

import re
from collections.abc import Callable, Sequence

from megascience.scoring.extraction.options import option_letter
from megascience.scoring.extraction.sentences import LAST_EQUAL, number_in
from megascience.scoring.extraction.statements import NEGATED
from megascience.scoring.math.numerals import read_number
from megascience.scoring.math.parser import parse
from megascience.scoring.math.tree import ParseError
from megascience.scoring.model import MATHEMATICAL, MAX_ANSWER
from megascience.scoring.text.choices import read_boolean, read_letter, read_letters, read_yes_no_maybe
from megascience.scoring.text.markup import plain, unwrap

#: Gives the answer of a kind that a stated text holds, or None. The flag says whether the text is delimited (a box).
Reader = Callable[[str, bool], str | None]


def _exactly(text: str, options: Sequence[str]) -> str | None:
    """Return the letter of the one option that an answer spells out, unless it is a label before another one."""
    said = plain(text)
    hits = [i for i, option in enumerate(options) if plain(option) == said]
    return chr(65 + hits[0]) if len(hits) == 1 else None


def _choice_reader(options: Sequence[str] | None) -> Reader:
    count = len(options) if options else 26

    def read(text: str, delimited: bool) -> str | None:
        if NEGATED.match(text):
            return None
        letter = read_letter(text, count)
        if letter and options and len(text.split()) > 1:
            exact = _exactly(text, options)  # "B cells" is an option's text, not option B
            letter = exact or letter
        if letter is None and options:
            stated = re.sub(r"^\s*(?:that|the option|option|choice)?\s*[:\s]*", "", text) if not delimited else text
            letter = option_letter(text, options) or option_letter(stated, options, prefix=not delimited)
        return letter

    return read


def _letters_reader(options: Sequence[str] | None) -> Reader:
    count = len(options) if options else 26

    def read(text: str, delimited: bool) -> str | None:
        found = read_letters(text, count)
        if found is None and options:
            found = option_letter(text, options)
        return found

    return read


def _boolean_reader(text: str, delimited: bool) -> str | None:
    return read_boolean(text)


def _yes_no_maybe_reader(text: str, delimited: bool) -> str | None:
    return read_yes_no_maybe(text)


_LEAD_MATH = re.compile(
    r"^(?:(?:that|then|therefore|thus|simply|given by|equal to|as follows|approximately|about|roughly|exactly|just|"
    r"the (?:number|value|expression|function|equation|set|interval|fraction|point|matrix|polynomial|vector|sum)|"
    r"in fact|indeed|clearly|found to be|obtained as|=|:)\s*)+",
    re.IGNORECASE,
)


_THAT_IS = re.compile(r",?\s*\(?\b(?:i\.e\.|that\s+is|which\s+(?:is|equals|gives))[,:]?\s+", re.IGNORECASE)


def _number_reader(text: str, delimited: bool) -> str | None:
    if "\\boxed" in text:
        return None  # the box is a commitment of its own
    stated = text.strip()
    if len(stated) > MAX_ANSWER:
        return None
    if not delimited:
        stated = _LEAD_MATH.sub("", stated.strip(" *_"))
    found = read_number(stated)
    if found is None or found.rest:
        restated = _THAT_IS.split(stated)[-1]  # 25% of 80, i.e. 20
        if restated != stated and read_number(restated) is not None:
            stated, found = restated, read_number(restated)
    if found is not None:
        return unwrap(stated) if len(stated) <= 60 or delimited else number_in(stated)
    if delimited:
        return unwrap(stated) or None
    return number_in(stated)


def _math_reader(text: str, delimited: bool) -> str | None:
    stated = text.strip()
    if not stated or len(stated) > MAX_ANSWER:
        return None
    if delimited:
        return unwrap(stated) or None
    if "\\boxed" in stated:
        return None
    stated = unwrap(_LEAD_MATH.sub("", stated.strip(" *_")))
    stated = re.sub(r",?\s+(?:not|rather\s+than|instead\s+of)\s.*$", "", stated, flags=re.DOTALL)
    if not stated:
        return None
    match = re.match(r"^(?:\$([^$]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]|\$\$(.+?)\$\$)(?P<after>.*)$", stated, re.DOTALL)
    if match and not re.search(r"[$\\]", match["after"]):
        after = match["after"].strip()
        if not after or not re.match(r"(?:and|or|,)\b", after):
            return next(g for g in match.groups()[:4] if g is not None).strip()
    spans = re.findall(r"\$([^$]+)\$|\\\((.+?)\\\)", stated)
    if spans:
        inner = [a or b for a, b in spans]
        outside = re.sub(r"\$[^$]+\$|\\\(.+?\\\)", " ", stated)
        if len(inner) == 1 and len(outside.split()) > 1:
            return inner[0].strip()
        if re.fullmatch(r"(?:\s|,|;|and|or)*", outside):
            return ", ".join(part.strip() for part in inner)
        if len(inner) > 1:
            return inner[-1].strip() if "=" in inner[-1] else None
    if len(stated.split()) > 25:
        return None
    try:
        parse(stated)
    except (ParseError, RecursionError):
        if len(stated.split()) > 8:
            tail = LAST_EQUAL.split(stated)
            return tail[-1].strip() if len(tail) > 1 and len(tail[-1].split()) < 8 else None
    return stated


def _text_reader(text: str, delimited: bool) -> str | None:
    stated = unwrap(text)
    return stated if stated and len(stated) <= MAX_ANSWER else None


def reader_for(kind: str, options: Sequence[str] | None) -> Reader:
    if kind == "choice":
        return _choice_reader(options)
    if kind == "multi_choice":
        return _letters_reader(options)
    if kind == "boolean":
        return _boolean_reader
    if kind == "yes_no_maybe":
        return _yes_no_maybe_reader
    if kind in ("number", "quantity"):
        return _number_reader
    if kind in MATHEMATICAL or kind == "auto":
        return _math_reader
    return _text_reader
