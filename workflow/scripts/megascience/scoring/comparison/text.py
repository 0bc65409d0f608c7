"""Comparison of answers in words, and of chemical formulas."""

import re
from collections.abc import Iterator

from megascience.scoring.comparison.chemistry import formula, reaction
from megascience.scoring.math.spelling import spell_greek
from megascience.scoring.model import CORRECT, UNREADABLE, WRONG, Verdict
from megascience.scoring.text.markup import plain, unwrap

#: What a sentence puts before its answer: "the compound formed is …", "it is called …".
_COPULA = re.compile(
    r"\b(?:is|are|was|were|called|named|namely|be|by|it's|that's|this is)\s+(?:the\s+|an?\s+)?|:\s+", re.IGNORECASE
)
_BRACKETED = re.compile(r"(?P<before>[^()]*\S)\s+\((?P<inside>[^()]+)\)(?P<after>[^()]*)")


def compare_text(candidate: str, reference: str) -> Verdict:
    """Compare two answers as words; chemical formulas with their case, everything else without.

    A side may give the other one in a sentence ("It is called osmosis") or with another name in brackets
    ("sodium chloride (NaCl)").
    """
    if not plain(candidate):
        return Verdict(UNREADABLE, "empty")
    verdict = _compared(candidate, reference)
    if verdict.correct:
        return verdict
    for one, other in ((candidate, reference), (reference, candidate)):
        if any(_compared(reading, other).correct for reading in _readings(one)):
            return Verdict(CORRECT, "stated in other words")
    return verdict


def _compared(candidate: str, reference: str) -> Verdict:
    left, right = formula(candidate), formula(reference)
    if left is not None and right is not None and any(re.search(r"\d|[A-Z].*[A-Z]", f) for f in (left, right)):
        return Verdict(CORRECT, "the same formula") if left == right else Verdict(WRONG, "another formula")
    reactions = reaction(candidate), reaction(reference)
    if None not in reactions:
        same = reactions[0] == reactions[1]
        return Verdict(CORRECT, "the same reaction") if same else Verdict(WRONG, "another reaction")
    a, b = (_words(plain(spell_greek(text))) for text in (candidate, reference))
    return Verdict(CORRECT, "the same text") if a == b else Verdict(WRONG, "other text")


def _readings(text: str) -> Iterator[str]:
    """Yield what else a text gives as its answer: what its last copula leads to, and each of two names."""
    text = unwrap(text).replace("**", "")
    parts = [text]
    copulas = [] if re.search(r"\bnot\b|n['’]t\b", text) else list(_COPULA.finditer(text))
    for match in copulas[-3:]:
        if text[match.end() :].strip():
            parts.append(text[match.end() :])
            yield parts[-1]
    for part in parts:
        named = _BRACKETED.fullmatch(part.strip(" ."))
        if named and not named["after"].strip():
            yield named["before"]
            yield named["inside"]


def _words(text: str) -> list[str]:
    text = re.sub(r"(?<=[a-z])\^\{?([\w+-]+)\}?", r"\1", text)  # sp^3, 1s^2
    text = re.sub(r"\b([ap])\.\s?m\b\.?", r"\1m", text)
    words = re.findall(r"[\w+#%]+|[-<>=/*^]", text.replace("-", " "))
    return [word for word in words if word not in ("the", "a", "an")] or words
