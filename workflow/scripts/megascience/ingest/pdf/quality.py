"""Quality: is the text of a page what a reader would see there, or garbage?

Judged after every engine, by the statistics of the text alone: characters that nobody can name, letters that stand
apart, pairs of letters that no word has, bytes read in another encoding, lines and phrases that repeat, and too much
or too little text for the glyphs on the page. Tables of numbers and pages of formulas have few words and are good.
The limits are measured on a labelled set (`benchmarks/page_quality.py`, figures in docs/operating.md).
"""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields

from megascience.ingest.public.language import foreign_language

#: Letters, pairs of letters, characters and lines below which a figure says nothing.
MIN_LETTERS, MIN_PAIRS, MIN_CHARACTERS, MIN_LINES = 40, 100, 20, 6

ENGLISH = "English"

# What follows each letter in English words, of pairs that are at least 0.06 % of all (98,000 words of textbooks and
# manuals, which have 96 % of their pairs among these); other languages in Latin script share most of them.
_PAIRS = {
    pair
    for group in (
        "abcdgiklmnprstuvy baeijloruy caehiklortuy dadegiorsuv eacdefgilmnpqrstuvwxy faefiortu gaeghilnorsu haeioruty "
        "iabcdefgklmnoprstvxz jeou keinosy ladefgiklopstuvy mabeimnopsuy nacdefgiklnosutvy oabcdefgiklmnoprstuvwy "
        "paehiloprstu qu racdegiklmnoprstuvy sacehiklmnopqstuwy tacehilorstuwy uabcdegilmnprst vaeio waehinors xacipt "
        "yelmnops zeio"
    ).split()
    for pair in (group[0] + letter for letter in group[1:])
}
_WORD = re.compile(r"[^\W\d_]+")
_LOWER = re.compile(r"[a-z]{3,}")
_APART = re.compile(r"(?:(?<=\s)|^)(?:[^\W\d_] ){4,}[^\W\d_](?=\s|$)")
# letters of two bytes that were read as one-byte characters: "Ã©", "â€™", "Ð°"
_MOJIBAKE = re.compile(
    r"[ÂÃÅÄÐÑâ][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2026\u2030\u2039\u203a\u20ac\u2122]"
)
_WHITE = re.compile(r"\s+")


@dataclass(frozen=True)
class Limits:
    """What a page may have at most; see `Figures` for the meanings.

    `length`: by how much the text may be longer or shorter than the page's glyphs.
    """

    unknown: float = 0.1
    apart: float = 0.3
    odd_pairs: float = 0.23
    strange: float = 0.35
    mojibake: float = 0.003
    repeated: float = 0.6
    loop: float = 0.15
    length: float = 3.0


LIMITS = {field.name for field in fields(Limits)}


@dataclass(frozen=True)
class Figures:
    """Shares that tell a readable page from garbage, 0 where the page has too little to judge.

    Attributes:
        unknown: characters that are U+FFFD or for private use, of all that are not white.
        apart: letters in runs of five or more single letters ("T h e  w a v e"), of all letters.
        odd_pairs: pairs of letters inside lower-case words that English words hardly have, of all such pairs.
        strange: letters outside ASCII, of those in Latin script. No language that is written with it comes near.
        mojibake: pairs of characters that are one letter of UTF-8 in a wrong encoding, of all characters.
        repeated: lines that stood on the page before, of all lines.
        loop: size of the compressed text beside the text's; a phrase that repeats without end makes it tiny.
            1 for a page that is too short to judge.
    """

    unknown: float
    apart: float
    odd_pairs: float
    strange: float
    mojibake: float
    repeated: float
    loop: float


def figures_of(text: str) -> Figures:
    """Return the figures of a page's text."""
    solid = _WHITE.sub("", text)
    letters = [c for c in solid if c.isalpha()]
    unknown = sum(_is_unknown(c) for c in solid)
    apart = sum((len(match[0]) + 1) // 2 for match in _APART.finditer(text)) if len(letters) >= MIN_CHARACTERS else 0
    latin = [c for c in letters if c.isascii() or "\u00aa" <= c < "\u0250"]
    pairs = Counter(a + b for word in _LOWER.findall(text) for a, b in zip(word, word[1:], strict=False))
    total = sum(pairs.values())
    lines = [line for raw in text.split("\n") if len(line := raw.strip()) >= 8 and any(c.isalpha() for c in line)]
    data = text.encode("utf-8", "replace")
    return Figures(
        unknown=unknown / len(solid) if solid else 0.0,
        apart=apart / max(1, len(letters)),
        odd_pairs=sum(n for pair, n in pairs.items() if pair not in _PAIRS) / total if total >= MIN_PAIRS else 0.0,
        strange=sum(not c.isascii() for c in latin) / len(latin) if len(latin) >= MIN_LETTERS else 0.0,
        mojibake=len(_MOJIBAKE.findall(text)) / len(solid) if len(solid) >= MIN_CHARACTERS else 0.0,
        repeated=1 - len(set(lines)) / len(lines) if len(lines) >= MIN_LINES else 0.0,
        loop=len(zlib.compress(data, 6)) / len(data) if len(data) >= 400 else 1.0,
    )


def page_fault(text: str, limits: Limits, glyphs: int | None = None) -> str:
    """Return why a page's text is not readable, with the figures, or "" for a good page.

    Args:
        glyphs: the characters that the page's own text layer draws, where it is known.
    """
    figures = figures_of(text)
    faults = []
    if figures.unknown > limits.unknown:
        faults.append(f"{figures.unknown:.0%} of the characters are unknown")
    if figures.apart > limits.apart:
        faults.append(f"{figures.apart:.0%} of the letters stand apart")
    if figures.odd_pairs > limits.odd_pairs and not foreign_language(text):
        faults.append(f"{figures.odd_pairs:.0%} of the pairs of letters are in no word")
    if figures.strange > limits.strange:
        faults.append(f"{figures.strange:.0%} of the Latin letters are outside of ASCII")
    if figures.mojibake > limits.mojibake:
        faults.append(f"{figures.mojibake:.1%} of the characters are pieces of a wrong encoding")
    if figures.repeated > limits.repeated:
        faults.append(f"{figures.repeated:.0%} of the lines repeat")
    if figures.loop < limits.loop:
        faults.append(f"the text repeats itself, it shrinks to {figures.loop:.0%}")
    if glyphs is not None:
        length = len(_WHITE.sub("", text))
        if length > limits.length * glyphs + 200:
            faults.append(f"{length} characters from {glyphs} glyphs")
        elif length * limits.length + 200 < glyphs:
            faults.append(f"only {length} characters from {glyphs} glyphs")
    return "; ".join(faults)


def language_of(text: str) -> str:
    """Return the language or script that a page is written in, ENGLISH where nothing speaks against it."""
    return foreign_language(text) or ENGLISH


def main_language(pages: Iterable[tuple[str, int]]) -> str:
    """Return the language of most of a book, from the language and the length of each page."""
    votes: Counter[str] = Counter()
    for language, length in pages:
        votes[language] += length
    return min(votes, key=lambda name: (-votes[name], name)) if votes else ENGLISH


_COMMAND = re.compile(r"\\[A-Za-z]+")
_COMPARED = re.compile(r"[^\W\d_]{3,}|\d+")


def agreement(text: str, witness: str) -> float | None:
    """Return how much two readings of a page agree: the share of the words and numbers that they have in common.

    Twice the common ones over those of both (Dice's coefficient of the multisets), between 0 and 1. None where
    both have too few words to say. TeX commands and the form of letters do not count.
    """
    one, other = _bag(text), _bag(witness)
    if one.total() < 10 and other.total() < 10:
        return None
    return 2 * (one & other).total() / (one.total() + other.total())


def _bag(text: str) -> Counter[str]:
    plain = unicodedata.normalize("NFKC", _COMMAND.sub(" ", text)).casefold()
    return Counter(_COMPARED.findall(plain))


def _is_unknown(character: str) -> bool:
    return character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs")
