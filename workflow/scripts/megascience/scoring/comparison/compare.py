"""Comparison: candidate and reference of one kind, to a verdict with a reason."""

import re
from functools import lru_cache

from megascience.scoring.budget import COMPARISON, OutOfSteps, limited
from megascience.scoring.comparison.expressions import compare_expressions
from megascience.scoring.comparison.quantities import compare_numbers
from megascience.scoring.comparison.text import compare_text
from megascience.scoring.math.numerals import read_number
from megascience.scoring.math.parser import parse
from megascience.scoring.math.regions import strip_name
from megascience.scoring.math.tree import ParseError
from megascience.scoring.math.units import NONE, read_unit
from megascience.scoring.model import CORRECT, KINDS, MAX_ANSWER, PRESETS, UNREADABLE, WRONG, Preset, Verdict
from megascience.scoring.text.choices import read_boolean, read_letter, read_letters, read_yes_no_maybe
from megascience.scoring.text.markup import plain, strip_styles, unify, unwrap


def compare(
    candidate: str,
    reference: str,
    kind: str,
    *,
    unit: str | None = None,
    tolerance: float | None = None,
    preset: str = "standard",
) -> Verdict:
    """Compare a candidate answer with the reference.

    Args:
        candidate, reference: the two answers as text, LaTeX or plain.
        kind: one of `KINDS`; `auto` takes the kind that the reference has.
        unit: the reference's unit where it is not written in the reference (kinds `number` and `quantity`).
        tolerance: relative tolerance instead of the preset's; it then holds for integers too.
        preset: "standard" or "paper".

    Returns:
        The verdict: "correct", "wrong", or "unreadable" where the candidate (or the reference) cannot be read as
        an answer of this kind. Whether it is "correct" does not depend on which of two answers is the reference,
        with one exception: a number may round to a reference that is given with fewer digits.

    Raises:
        ValueError: the kind or the preset does not exist.
    """
    if kind not in KINDS:
        raise ValueError(f"no answer kind {kind!r}; use one of {', '.join(KINDS)}")
    if preset not in PRESETS:
        raise ValueError(f"no preset {preset!r}; use one of {', '.join(PRESETS)}")
    rules = PRESETS[preset]
    if not candidate or not candidate.strip():
        return Verdict(UNREADABLE, "empty")
    if len(candidate) > MAX_ANSWER and len(candidate) > 4 * len(reference):
        return Verdict(UNREADABLE, "too long for an answer")
    if max(len(candidate), len(reference)) > 2 * MAX_ANSWER:
        same = candidate.split() == reference.split()
        return Verdict(CORRECT, "the same text") if same else Verdict(UNREADABLE, "too long for an answer")
    try:
        with limited(COMPARISON):
            kind = kind_of(reference, unit) if kind == "auto" else kind
            return _compared(candidate, reference, kind, unit, tolerance, rules)
    except RecursionError:
        return Verdict(UNREADABLE, "too deep")
    except OutOfSteps:
        return Verdict(UNREADABLE, "too much work")


def _compared(
    candidate: str, reference: str, kind: str, unit: str | None, tolerance: float | None, rules: Preset
) -> Verdict:
    if kind == "choice":
        return _labels(read_letter(candidate), read_letter(reference), "option")
    if kind == "multi_choice":
        return _labels(read_letters(candidate), read_letters(reference), "options")
    if kind == "boolean":
        return _labels(read_boolean(candidate), read_boolean(reference), "truth value")
    if kind == "yes_no_maybe":
        return _labels(read_yes_no_maybe(candidate), read_yes_no_maybe(reference), "word")
    if kind == "text":
        return compare_text(candidate, reference)
    if kind in ("number", "quantity"):
        return compare_numbers(candidate, reference, kind, unit, tolerance, rules)
    return compare_expressions(candidate, reference, kind, tolerance, rules)


def _labels(candidate: str | None, reference: str | None, what: str) -> Verdict:
    if candidate is None:
        return Verdict(UNREADABLE, f"no {what} in the candidate")
    if reference is None:
        return Verdict(UNREADABLE, f"no {what} in the reference")
    if candidate == reference:
        return Verdict(CORRECT, f"the same {what}")
    return Verdict(WRONG, f"{what} {candidate}, not {reference}")


_TIME = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?(?:\s*[ap]\.?\s?m\.?)?", re.IGNORECASE)
#: Two numbers with a comma between them; 0,5 and 1000,5 are decimals, and 1,234 is one number.
_PAIR = re.compile(r"-?(?!0,)\d{1,3},-?(?!\d{3}$)\d{1,3}")
#: Words that a number may be followed by: "5 apples". Not "and 3".
_NOUN = re.compile(r"(?!(?:and|or|to)\b)[^\W\d]{2,}(?:[ -][^\W\d]+){0,4}")


@lru_cache(maxsize=4096)
def kind_of(reference: str, unit: str | None = None) -> str:
    """Return the kind that a reference answer has, for `auto`."""
    text = unwrap(unify(reference))
    bare = plain(text)
    if re.fullmatch(r"\(?[A-Z]\)?", strip_styles(text).strip()) and not (len(bare) == 1 and "\\" in text):
        return "choice"
    if bare in ("true", "false"):
        return "boolean"
    if bare in ("yes", "no", "maybe"):
        return "yes_no_maybe"
    if _TIME.fullmatch(text):
        return "text"
    if _PAIR.fullmatch(text):
        return "expression"
    found = read_number(text)
    if found is not None:
        if unit or found.rest:
            known = read_unit(unit or found.rest)
            if known is not None and known is not NONE:
                return "quantity"
            if unit or _NOUN.fullmatch(found.rest):
                return "number"
        elif found.rounded or found.integer or found.percent:
            return "number"
    try:
        node = strip_name(parse(text))
    except (ParseError, RecursionError):
        return "expression" if "\\" in text and not re.fullmatch(r"\s*\\text\s*\{[^{}]*\}\s*", text) else "text"
    if node[0] == "word":
        return "text"
    return "equation" if node[0] == "rel" and set(node[1]) == {"="} else "expression"
