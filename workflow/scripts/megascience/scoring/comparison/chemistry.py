"""Chemical formulas and reaction equations in one spelling."""

import re
from collections import Counter

from megascience.scoring.text.markup import strip_spacing, strip_styles, unify, unwrap

_FORMULA = re.compile(r"(?:[\[(]*[A-Z][a-z]?\d*[\])]*\d*)+(?:\^?\d*[+-]+)?")
_ARROW = re.compile(
    r"\s*(?:\\(?:long|x)?(?:left)?right(?:arrow|harpoons)(?:\s*\[[^\]]*\])?(?:\{[^{}]*\})?|\\to(?![a-z])|<?[-=]+>+|→|⟶|⇌|⇄|<->)\s*",
    re.IGNORECASE,
)
_SPECIES = re.compile(r"(\d+)?\s*(.+)", re.DOTALL)
_STATE = re.compile(r"\((?:s|l|g|aq)\)$")


def formula(text: str) -> str | None:
    """Return what may be a chemical formula in one spelling (`H2SO4`), None for other text."""
    text = strip_spacing(strip_styles(unify(unwrap(text))))
    text = re.sub(r"[\s$_{}^]|\\[()]", "", text)
    return text if _FORMULA.fullmatch(text) else None


def reaction(text: str) -> tuple[Counter[tuple[str, str]], ...] | None:
    """Return the sides of a reaction equation, each species with its coefficient and without its state, or None."""
    sides = _ARROW.split(strip_spacing(strip_styles(unify(unwrap(text)))))
    if len(sides) != 2:
        return None
    found = []
    for side in sides:
        species: Counter[tuple[str, str]] = Counter()
        for part in re.split(r"\s+\+\s+|(?<![\^{+-])\+(?=\s*\d*[A-Z([])", side):
            match = _SPECIES.fullmatch(part.strip())
            name = formula(_STATE.sub("", match[2].strip())) if match else None
            if match is None or name is None and match[2].strip(" ^{}-") not in ("e", "e^"):
                return None
            species[(match[1] or "1", name or "e-")] += 1
        found.append(species)
    return tuple(found)
