"""Prose: what can be told and fixed of a book's text without its geometry.

Characters that PDFs bring, words cut at line ends, and the words that open a section or a problem.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

#: Marks a hyphen that the PDF library took for the end of a broken line.
LINE_HYPHEN = "\u00ad"

#: Shortest part of a compound that is told by its parts: "to" and "in" begin too many words.
MIN_PART = 4
#: First parts that hardly begin another word.
COMPOUND_HEADS = {"half", "self", "well"}

_LIGATURES = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
# styled letters of mathematics (U+1D400-1D7FF): models and readers know the plain letter, tokenizers do not the styled
_STYLED = {
    chr(code): plain
    for code in range(0x1D400, 0x1D800)
    if (plain := unicodedata.normalize("NFKC", chr(code))) != chr(code)
}
_STYLED["\u210e"] = "h"  # Planck's constant serves as the italic h of that block
_SPACES = dict.fromkeys((*map(chr, range(0x2000, 0x200B)), "\u00a0", "\u202f", "\u205f", "\u3000", "\t"), " ")
_NOTHING = dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", "")
_OTHER = {"\ufffe": LINE_HYPHEN, "\x02": LINE_HYPHEN, "\uf0b7": "•", "\u2028": "\n", "\u2029": "\n"}
_CHARACTERS = str.maketrans({**_LIGATURES, **_STYLED, **_SPACES, **_NOTHING, **_OTHER})
_MARKED = re.compile(r"[^\W\d_][\u0300-\u036f]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_LEADERS = re.compile(r"(?:\s*[.…·]){4,}\s*")
_WORD = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*")
_BROKEN = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)[-\u2010\u00ad]$")
_HYPHEN_END = re.compile(r"\w[-\u2010]$")
_NEXT_WORD = re.compile(r"[^\W\d_]+")

_NUMBERED = r"(?:\d{1,3}|[A-Z]|[IVXLC]{1,6})(?:\.\d{1,3}){0,4}"
_HEADING = re.compile(
    rf"#{{1,6}}\s|(?:Chapter|Section|Part|Appendix|Unit|Lesson|Lecture)\s+{_NUMBERED}\b|"
    rf"(?:Exercises|Problems|Summary|Introduction|Preface|Review|Solutions|Answers|References|Bibliography)\b[^.]*$",
    re.IGNORECASE,
)
_NUMBERED_TITLE = re.compile(rf"{_NUMBERED}\.?\s+[A-Z]")
_TITLE = re.compile(r"[A-Z](?=.*[^\W\d_]{3})[^.:;=!?\n]*[\w)]\??")
_UNIT = re.compile(
    r"(?:\*\*)?(?:Example|Worked Example|Exercise|Problem|Question|Theorem|Lemma|Definition|Proposition|Corollary)"
    r"\s*\d*\b|Q\d*[.:]\s|\d{1,3}(?:\.\d{1,3})*[.)]\s+\S"
)
_SOLUTION = re.compile(r"(?:\*\*)?(?:Solution|Answer|Proof|Hint)s?\b")
_SENTENCE_END = re.compile(r"[.!?:;][)\]”’\"'*]*$")


def clean_text(text: str) -> str:
    """Return the text with ligatures, styled letters and odd spaces made plain, control characters as U+FFFD.

    Superscripts and subscripts stay as they are: 10² must not become 102.
    """
    plain = _CONTROL.sub("\ufffd", text.translate(_CHARACTERS))
    return plain if plain.isascii() else _MARKED.sub(lambda match: unicodedata.normalize("NFC", match[0]), plain)


def squeeze(line: str) -> str:
    """Return a line without dot leaders of more than three dots."""
    return _LEADERS.sub(" … ", line).strip()


def vocabulary_of(texts: Iterable[str]) -> Counter[str]:
    """Count the words of a book, lower case, hyphenated ones whole; words at a line's broken end do not count."""
    words: Counter[str] = Counter()
    for text in texts:
        for line in text.split("\n"):
            words.update(word.lower() for word in _WORD.findall(_BROKEN.sub("", line)))
    return words


def join_lines(first: str, second: str, vocabulary: Counter[str]) -> str:
    """Join two lines of one paragraph by a space, or without one where a word was cut at the line's end.

    A hyphen at the end goes if a lower-case letter follows, unless the word is a compound: the book writes it so
    elsewhere, and more often than closed (well-known), or it has both parts as words and the closed form nowhere.
    """
    broken = _BROKEN.search(first)
    following = _NEXT_WORD.match(second)
    if not broken or not following or not following[0][0].islower():
        if ends_broken(first) and second[:1].isalnum():  # a compound (Runge-Kutta) or a range
            return first[:-1] + "-" + second
        return f"{first} {second}"
    head, tail = broken[1], following[0]
    closed, compound = (head + tail).lower(), f"{head}-{tail}".lower()
    parts = (head.rpartition("-")[2].lower(), tail.lower())
    words = all(len(part) >= MIN_PART and vocabulary[part] for part in parts)
    keep = vocabulary[compound] > vocabulary[closed] or (
        not vocabulary[closed] and (words or parts[0] in COMPOUND_HEADS)
    )
    return first[: broken.end(1)] + ("-" if keep else "") + second


def ends_broken(line: str) -> bool:
    """Whether a line ends with a hyphen that stands at a word or number, or that the PDF marks as a broken end."""
    return line.endswith(LINE_HYPHEN) or bool(_HYPHEN_END.search(line))


def runs_on(before: str, after: str) -> bool:
    """Whether a paragraph goes on after a page break: it has no sentence end, and a lower-case letter follows."""
    return not _SENTENCE_END.search(before.rstrip()) and after[:1].islower() and not is_heading(before)


def is_heading(paragraph: str) -> bool:
    """Whether a paragraph reads like a heading: one short line, no sentence end, a heading's opening."""
    if "\n" in paragraph or len(paragraph) > 120 or _SENTENCE_END.search(paragraph):
        return False
    return bool(_HEADING.match(paragraph) or _NUMBERED_TITLE.match(paragraph))


def is_title(paragraph: str) -> bool:
    """Whether a paragraph may be a heading without a number: a few words on one line, no sentence."""
    return bool(_TITLE.fullmatch(paragraph)) and len(paragraph) <= 60 and len(paragraph.split()) <= 9


def is_unit_start(paragraph: str) -> bool:
    """Whether a paragraph opens a worked example, an exercise or a numbered item."""
    return bool(_UNIT.match(paragraph))


def is_solution_start(paragraph: str) -> bool:
    """Whether a paragraph opens the answer to the problem before it."""
    return bool(_SOLUTION.match(paragraph))
