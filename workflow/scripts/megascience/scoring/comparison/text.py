"""Comparison of answers in words, and of chemical formulas."""

import re
import unicodedata
from collections.abc import Iterator

from megascience.scoring.comparison.chemistry import formula, reaction, same_formula
from megascience.scoring.math.spelling import spell_greek
from megascience.scoring.model import CORRECT, UNREADABLE, WRONG, Verdict
from megascience.scoring.text.markup import plain, strip_spacing, strip_styles, unify, unwrap

#: What a sentence puts before its answer: "the compound formed is …", "it is called …".
_COPULA = re.compile(
    r"\b(?:is|are|was|were|called|named|namely|be|by|it's|that's|this is)\s+(?:the\s+|an?\s+)?|:\s+", re.IGNORECASE
)
#: Words that make a sentence say something else than that its last words are the answer.
_DENIES = re.compile(
    r"\b(?:not|never|no|nor|neither|none|hardly|barely|scarcely|rarely|cannot|without|unlike|unlikely|except|rather|opposite|contrary|"
    r"reverse|wrong|incorrect|false|doubt\w*|might|may|could|would|perhaps|maybe|possibly|if|unless|whether|instead|exclud\w+|"
    r"former|previous\w*|tempting|nothing|nobody|impossible|or)\b|n['’]t\b",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"(?P<before>[^()]*\S)\s+\((?P<inside>[^()]+)\)")
#: A name in brackets that is another name of the same thing: a formula, a symbol or an abbreviation.
_SHORT_NAME = re.compile(r"(?=.*[A-Z0-9])(?!.*[a-z]{3})\S+(?:\s\S+)?")
_MAX = 4_000


def compare_text(candidate: str, reference: str) -> Verdict:
    """Compare two answers as words; chemical formulas with their case and charges.

    The words must be the same ones in the same order, whatever their case; but short symbols and genotypes (tt, TT)
    keep theirs, and every sign counts: a minus, a negation, an arrow. A side may give the other one in a sentence
    that denies nothing ("It is called osmosis") or with its formula in brackets ("sodium chloride (NaCl)").
    """
    if not plain(candidate):
        return Verdict(UNREADABLE, "empty")
    verdict = _compared(candidate, reference)
    if verdict.correct or max(len(candidate), len(reference)) > _MAX:
        return verdict
    for one, other in ((candidate, reference), (reference, candidate)):
        if any(_compared(reading, other).correct for reading in _readings(one)):
            return Verdict(CORRECT, "stated in other words")
    return verdict


def _compared(candidate: str, reference: str) -> Verdict:
    left, right = formula(candidate), formula(reference)
    if left is not None and right is not None and (left.certain or right.certain):
        same = same_formula(left, right)
        return Verdict(CORRECT, "the same formula") if same else Verdict(WRONG, "another formula")
    reactions = reaction(candidate), reaction(reference)
    if None not in reactions:
        same = reactions[0] == reactions[1]
        return Verdict(CORRECT, "the same reaction") if same else Verdict(WRONG, "another reaction")
    one, two = tokens(candidate), tokens(reference)
    if one == two or (_glued(one) == _glued(two) and any("-" in text for text in (candidate, reference))):
        return Verdict(CORRECT, "the same text")
    return Verdict(WRONG, "other text")


def _readings(text: str) -> Iterator[str]:
    """Yield what else a text gives as its answer: what its last copula leads to, and a name before its formula."""
    text = strip_styles(unwrap(text)).replace("**", "").strip(" .")
    parts = [text]
    if not _DENIES.search(text):
        for match in list(_COPULA.finditer(text))[-3:]:
            if text[match.end() :].strip():
                parts.append(text[match.end() :])
                yield parts[-1]
    for part in parts:
        named = _BRACKETED.fullmatch(part.strip(" ."))
        if named and any(_SHORT_NAME.fullmatch(name) for name in (named["inside"].strip(), named["before"].strip())):
            yield named["before"]
            yield named["inside"]


#: A word, a number with its points and colons, or one sign. A minus before a number is a sign, a hyphen is not.
_TOKEN = re.compile(r"\d+(?:[.,:/]\d+)*|[^\W\d_]+|[^\w\s]|_")
_SIGNS = frozenset("?-+<>=/*^~!¬∪∩↑↓→←↔⇒⇔±∓≤≥≠≈∝∈∉⊂⊃⊆⊇∧∨∀∃∅∞√∂∇°%#&|@§′″")
#: LaTeX commands for signs that other people type, as one spelling of both.
_SPELLED = {"¬": "neg", "∪": "cup", "∩": "cap", "∧": "land", "∨": "lor", "→": "to", "↑": "uparrow", "↓": "downarrow",
            "±": "pm", "≤": "le", "≥": "ge", "≠": "ne", "≈": "approx", "∞": "infty", "∈": "in", "∅": "emptyset",
            "lnot": "neg", "wedge": "land", "vee": "lor", "rightarrow": "to", "leq": "le", "geq": "ge", "neq": "ne",
            "varnothing": "emptyset"}  # fmt: skip
_ARTICLES = frozenset({"the", "a", "an"})
#: Words of two letters that are not symbols.
_SMALL_WORDS = frozenset("am pm as at be by do he if in is it me my no of on or so to up us we an".split())
#: A genotype (Aa, tt, RrYy): pairs of one letter.
_GENOTYPE = re.compile(r"(?:([A-Za-z])(?i:\1)){1,4}")


def tokens(text: str) -> list[str]:
    """Return the words and signs of an answer in one spelling."""
    text = strip_spacing(strip_styles(unify(unwrap(text))))
    text = unicodedata.normalize("NFKC", re.sub(r"\\[()\[\]]|[$*`{}]", "", text.replace("**", "")))
    text = spell_greek(text).replace("\\%", "%").replace("\\", " ")
    text = re.sub(r"(?<=[a-z])\^(?=[\w+-])", "", text)  # sp^3, 1s^2
    text = re.sub(r"\b([ap])\.\s?m\b\.?", r"\1m", text, flags=re.IGNORECASE)
    text = re.sub(r"(?<=[^\W_])['’](?=[^\W\d_])", "", text)
    text = re.sub(r"(?<=\w)-(?=\w)|(?<=\w)-(?=\s|$)(?![+-])|(?<=[^\W\d_]\))-(?=\w)", _hyphen, text)
    found = [
        _case(token)
        for token in _TOKEN.findall(text)
        if token[0].isalnum() or token in _SIGNS or ord(token[0]) > 0x2000
    ]
    found = [_SPELLED.get(token, token) for token in found]
    return [token for token in found if token not in _ARTICLES] or found


def _hyphen(match: re.Match[str]) -> str:
    """Return a blank for a hyphen between words, and keep a minus behind a superscript or between numbers."""
    before, after = match.string[match.start() - 1], match.string[match.end() : match.end() + 1]
    return (
        "-" if (before.isdigit() and (not after or after.isspace())) or (before.isdigit() and after.isdigit()) else " "
    )


def _case(token: str) -> str:
    short = len(token) <= 2 and token.isalpha() and token.lower() not in _SMALL_WORDS
    if (short and token.lower() not in _ARTICLES) or _GENOTYPE.fullmatch(token):
        return token
    return token.casefold()


def _glued(words: list[str]) -> str:
    return "".join(words).casefold() if all(word.isalpha() for word in words) else "\0".join(words)
