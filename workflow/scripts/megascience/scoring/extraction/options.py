"""Options by their text: the letter of the option that an answer gives in words, as a number or as a formula."""

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache

from megascience.scoring.math.numerals import Numeral, read_number
from megascience.scoring.math.units import NONE, Unit, read_unit
from megascience.scoring.model import PRESETS
from megascience.scoring.text.markup import plain, unify, unwrap

#: An answer that is compared with options as mathematics is no longer than this.
_MAX_FORMULA = 300


def option_letter(text: str, options: Sequence[str], prefix: bool = False) -> str | None:
    """Return the letter of the one option whose text an answer gives, or None.

    Args:
        text: the answer, in words, as a number (with a unit) or as a formula.
        options: the options' texts, in order.
        prefix: the answer may go on after the option's text.
    """
    said = _without_article(plain(text[:2_000]))
    if not said:
        return None
    normal = [_without_article(plain(option)) for option in options]
    hits = [i for i, option in enumerate(normal) if option and option == said]
    if not hits:
        hits = _equal_numbers(text, options)
    if not hits and prefix:
        hits = [i for i, option in enumerate(normal) if len(option) > 1 and _begins(said, option)]
        if len(hits) > 1:
            longest = max(len(normal[i]) for i in hits)
            hits = [i for i in hits if len(normal[i]) == longest]
    if not hits:
        hits = _equal_formulas(text, options)
    return chr(65 + hits[0]) if len(hits) == 1 else None


def _begins(said: str, option: str) -> bool:
    """Return whether an answer begins with an option and goes on in words, not with more of a number or formula."""
    if not said.startswith(option):
        return False
    rest = said[len(option) :]
    if rest[:1].isalnum() or rest[:1] in "\\^_":
        return False
    return not (option[-1:].isdigit() and re.match(r"[.,/^]\d|\s*[-+*/=×]|\s*\\", rest))


def _without_article(text: str) -> str:
    return re.sub(r"^(?:the|an?)\s+(?=\S)", "", text)


def _equal_numbers(text: str, options: Sequence[str]) -> list[int]:
    said = _quantity(text[:200])
    if said is None:
        return []
    found = []
    for i, option in enumerate(options):
        offered = _quantity(option)
        if offered is not None and _same_quantity(said, offered):
            found.append(i)
    return found


@lru_cache(maxsize=4096)
def _quantity(text: str) -> tuple[Numeral, Unit] | None:
    """Return an option's or an answer's number with its unit, or None where it is more than that."""
    text = unwrap(unify(text))
    if not re.search(r"\d|\\(?:pi|sqrt)", text) or len(text) > 120:
        return None
    number = read_number(text)
    if number is None:
        return None
    unit = read_unit(number.rest) if number.rest else NONE
    return None if unit is None else (number, unit)


def _same_quantity(a: tuple[Numeral, Unit], b: tuple[Numeral, Unit]) -> bool:
    (left, left_unit), (right, right_unit) = a, b
    if left.percent != right.percent:
        return False
    if left_unit is NONE or right_unit is NONE or left_unit == right_unit:
        return left.value == right.value
    if left_unit.dimensions != right_unit.dimensions or left_unit.offset or right_unit.offset:
        return False
    one, two = left.value * Fraction(left_unit.factor), right.value * Fraction(right_unit.factor)
    return abs(one - two) <= abs(two) * Fraction(1, 10**9)


_FORMULA = re.compile(r"[\\^=]|\d\s*[-+*/]|[a-zA-Z]\s*[-+*/^]|π|√")


def _equal_formulas(text: str, options: Sequence[str]) -> list[int]:
    """Return the options that are mathematically equal to an answer that is a formula."""
    text = unwrap(text)
    if len(text) > _MAX_FORMULA or not _FORMULA.search(text):
        return []
    from megascience.scoring.math.equality import same
    from megascience.scoring.math.evaluation import TooLarge, Undefined
    from megascience.scoring.math.parser import parse
    from megascience.scoring.math.regions import strip_name
    from megascience.scoring.math.scalars import scalar_test
    from megascience.scoring.math.tree import ParseError
    from megascience.scoring.math.values import Undecided

    def tree(source: str) -> object:
        try:
            return strip_name(parse(unwrap(unify(source))))
        except (ParseError, RecursionError):
            return None

    said = tree(text)
    if not isinstance(said, tuple) or said[0] in ("word", "unit"):
        return []
    test: Callable[..., bool] = scalar_test(None, PRESETS["standard"])
    found = []
    for i, option in enumerate(options):
        offered = tree(option) if len(option) <= _MAX_FORMULA else None
        try:
            if isinstance(offered, tuple) and offered[0] != "word" and same(said, offered, test):
                found.append(i)
        except (Undecided, Undefined, TooLarge, RecursionError):
            continue
    return found
