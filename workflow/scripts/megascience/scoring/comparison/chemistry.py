"""Chemical formulas and reaction equations in one spelling."""

import re
from collections import Counter
from dataclasses import dataclass

from megascience.scoring.text.markup import strip_spacing, strip_styles, unify, unwrap

_BODY = re.compile(r"(?:[\[(]{0,3}[A-Z][a-z]?\d*[\])]{0,3}\d*){1,40}")
_CHARGE = re.compile(r"\^\s*\{?\s*(?P<a>\d*)\s*(?P<sign>[+-]+)\s*(?P<b>\d*)\s*\}?$|(?P<bare>[+-]+)$")
_ARROW = re.compile(
    r"\s{0,9}(?:\\(?:long|x)?(?:left)?right(?:arrow|harpoons)(?:\s*\[[^\]]{0,80}\])?(?:\{[^{}]{0,80}\})?|\\to(?![a-z])|<?[-=]{1,9}>{1,3}|→|⟶|⇌|⇄|<->)\s{0,9}",
    re.IGNORECASE,
)
_SPECIES = re.compile(r"(\d+)?\s*(.+)", re.DOTALL)
_STATE = re.compile(r"\((?:s|l|g|aq)\)$")
_MAX = 400


@dataclass(frozen=True, slots=True)
class Formula:
    """A chemical formula.

    Attributes:
        body: elements with their numbers, without marks of subscripts ("SO4").
        charge: "", "2-", "+" …; None where the text does not tell it from a subscript ("SO42-").
        flat: everything as it is typed without markup ("SO42-").
        certain: it is not a word: it has a number, a charge or two capitals.
    """

    body: str
    charge: str | None
    flat: str
    certain: bool


def formula(text: str) -> Formula | None:
    """Return what may be a chemical formula, None for other text."""
    if len(text) > _MAX:
        return None
    text = strip_spacing(strip_styles(unify(unwrap(text))))
    text = re.sub(r"[\s$]|\\[()]", "", text)
    charge: str | None = ""
    match = _CHARGE.search(text)
    body = text[: match.start()] if match else text
    if match and match["bare"]:
        charge = None if body[-1:].isdigit() and "_" not in text else _charge("", match["bare"])
    elif match:
        charge = _charge(match["a"] or match["b"], match["sign"])
    body = re.sub(r"[_{}^]", "", body)
    if not _BODY.fullmatch(body):
        return None
    flat = body + (re.sub(r"[\^{}]", "", match[0]) if match else "")
    return Formula(body, charge, flat, bool(match) or re.search(r"\d|[A-Z].*[A-Z]", body) is not None)


def _charge(digits: str, sign: str) -> str:
    number = int(digits or len(sign))
    return f"{number if number > 1 else ''}{sign[0]}"


def same_formula(a: Formula, b: Formula) -> bool:
    """Return whether two formulas are the same; where one does not mark its charge, as they are typed."""
    if a.charge is None or b.charge is None:
        return a.flat == b.flat
    return (a.body, a.charge) == (b.body, b.charge)


def reaction(text: str) -> tuple[Counter[tuple[str, str]], ...] | None:
    """Return the sides of a reaction equation, each species with its coefficient and without its state, or None."""
    if len(text) > 4 * _MAX:
        return None
    sides = _ARROW.split(strip_spacing(strip_styles(unify(unwrap(text)))))
    if len(sides) != 2:
        return None
    found = []
    for side in sides:
        species: Counter[tuple[str, str]] = Counter()
        for part in re.split(r"\s+\+\s+|(?<![\^{+-])\+(?=\s*\d*[A-Z([])", side):
            match = _SPECIES.fullmatch(part.strip())
            known = formula(_STATE.sub("", match[2].strip())) if match else None
            if match is None or known is None and match[2].strip(" ^{}-") not in ("e", "e^"):
                return None
            species[(match[1] or "1", known.flat if known else "e-")] += 1
        found.append(species)
    return tuple(found)
