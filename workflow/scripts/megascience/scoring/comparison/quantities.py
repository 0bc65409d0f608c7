"""Comparison of numbers and of quantities with units."""

import re
from fractions import Fraction

from megascience.scoring.comparison.expressions import compare_expressions
from megascience.scoring.math.numerals import Numeral, read_number
from megascience.scoring.math.parser import parse
from megascience.scoring.math.tree import ParseError
from megascience.scoring.math.units import NONE, Unit, comparable, read_unit
from megascience.scoring.model import CORRECT, UNREADABLE, WRONG, Preset, Verdict
from megascience.scoring.text.markup import strip_spacing, strip_styles, unify, unwrap

_ULP = Fraction(1, 2)


def compare_numbers(
    candidate: str, reference: str, kind: str, unit: str | None, tolerance: float | None, rules: Preset
) -> Verdict:
    """Compare two numbers, with their units where the kind is `quantity` and the preset compares units."""
    right = _number(reference, kind)
    left = _number(candidate, kind)
    if left is None and unit and unwrap(candidate).endswith(unit.strip(" $")):  # 0.5c, where the unit is c
        left = _number(unwrap(candidate)[: -len(unit.strip(" $"))], kind)
    if right is None or left is None:
        if left is not None or right is not None or kind == "quantity":
            side = "candidate" if left is None else "reference"
            if left is None and right is not None and _is_mathematics(candidate):
                return Verdict(WRONG, "no number")
            return Verdict(UNREADABLE, f"no number in the {side}")
        return compare_expressions(candidate, reference, "expression", tolerance, rules)
    if not rules.units or (kind == "number" and unit is None and not _both_in_units(left, right)):
        return _percentages(left, right, tolerance, rules, kind)
    return _quantities(left, right, unit, tolerance, rules, kind)


def _both_in_units(left: Numeral, right: Numeral) -> bool:
    units = [read_unit(number.rest) if number.rest else None for number in (left, right)]
    return all(unit not in (None, NONE) for unit in units)


def _number(text: str, kind: str) -> Numeral | None:
    if kind == "quantity":
        text = _SPREAD.sub("", _SPREAD_IN_BRACKETS.sub(r"\1", text))
    found = (_compound(text) if kind == "quantity" else None) or read_number(text)
    if found is None and kind == "quantity":
        found = _split_quantity(text)
    return found


#: The uncertainty of a quantity: 490 ± 5 N.
_SPREAD = re.compile(
    r"(?<=\d)\s*(?:\\pm|±)\s*\d+(?:\.\d+)?(?=[\s~]*(?:\\,|\\ )*[\s~]*(?:\\(?:text|mathrm)|[a-zA-Zµ°]))"
)
_SPREAD_IN_BRACKETS = re.compile(r"\(\s*([-+]?\d+(?:\.\d+)?)\s*(?:\\pm|±)\s*\d+(?:\.\d+)?\s*\)")
_MAX_COMPOUND = 200
_PARTS = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*(?:,\s*|and\s+)?(?=\d|$)")


def _compound(text: str) -> Numeral | None:
    """Return a quantity in several units of one dimension (`1 h 30 min`, `5 ft 6 in`) in the first of them."""
    text = strip_spacing(strip_styles(unwrap(unify(text)))).strip() if len(text) <= _MAX_COMPOUND else ""
    parts = list(_PARTS.finditer(text))
    if len(parts) < 2 or "".join(part[0] for part in parts) != text:
        return None
    units = [read_unit(part[2]) for part in parts]
    first = units[0]
    if first is None or any(u is None or u.dimensions != first.dimensions or u.offset for u in units):
        return None
    total = sum(Fraction(part[1]) * Fraction(u.factor) for part, u in zip(parts, units, strict=True) if u is not None)
    value = (total / Fraction(first.factor)).limit_denominator(10**9)
    return Numeral(value, False, 6, abs(value) / 10**5, False, parts[0][2])


_UNIT_START = re.compile(
    r"\\(?:text|mathrm|mbox|textrm|rm|si|operatorname)\b|\s+(?=[a-zA-Zµμ°\\])|\\[dt]?frac\s*\{\s*\\(?:text|mathrm)\b|\s*/\s*(?=[a-zA-Z])"
)


def _split_quantity(text: str) -> Numeral | None:
    """Return a number that is an expression, with the unit behind it in `rest`, or None."""
    text = unwrap(unify(text))
    for match in list(_UNIT_START.finditer(text))[:12]:
        head, tail = text[: match.start()].strip(), text[match.start() :]
        unit = read_unit(tail)
        if head and unit is not None and unit is not NONE:
            found = read_number(head)
            if found is not None and not found.rest:
                return Numeral(found.value, found.integer, found.digits, found.unit_digit, found.percent, tail)
    return None


def _is_mathematics(text: str) -> bool:
    if not re.search(r"\d|\\[a-z]|=", text):
        return False
    try:
        node = parse(unwrap(text))
    except (ParseError, RecursionError):
        return False
    return node[0] != "word"


def _percentages(left: Numeral, right: Numeral, tolerance: float | None, rules: Preset, kind: str) -> Verdict:
    """Compare two numbers of which either may be written in percent."""
    pairs = [(left.value, right.value)]
    if rules.percent_free:
        pairs += [(left.value * 100, right.value), (left.value, right.value * 100)]
    elif left.percent != right.percent:
        bare, percent = (right, left) if left.percent else (left, right)
        # 25 % is 0.25; a bare 25 beside 25 % is a percentage whose sign was left out
        pairs = [(bare.value, percent.value / 100)]
        if abs(bare.value) > 1:
            pairs.append((bare.value, percent.value))
    for a, b in pairs:
        if _close(a, b, left, right, tolerance, rules, kind):
            return Verdict(CORRECT, "equal" if a == b else "within tolerance")
    return Verdict(WRONG, f"{_show(left)} is not {_show(right)}")


def _show(number: Numeral) -> str:
    try:
        return f"{float(number.value):.6g}" + ("%" if number.percent else "")
    except OverflowError:
        return "a huge number"


def _close(
    a: Fraction, b: Fraction, left: Numeral, right: Numeral, tolerance: float | None, rules: Preset, kind: str
) -> bool:
    """Return whether two values agree: a, from the candidate `left`, and b, from the reference `right`.

    Exact values (integers, fractions, roots) must be equal; the tolerance is for values of which one is rounded.
    It is the same in both directions; that a value may round to the reference is not, since only the reference says
    how precisely the answer is meant.
    """
    if a == b:
        return True
    difference, size = abs(a - b), max(abs(a), abs(b))
    if (a < 0) != (b < 0) and a and b:
        return False
    if tolerance is not None:
        return difference <= Fraction(tolerance) * size
    if difference <= size * Fraction(1, 10**12) and not (left.integer and right.integer):
        # irrational constants are held to some 48 digits
        return True
    exact_sides = not (left.rounded or right.rounded)
    if kind == "number" and rules.integers_exact and (left.integer or right.integer or exact_sides):
        return False
    if difference <= Fraction(rules.tolerance) * size:
        return True
    if not rules.rounding or difference > Fraction(rules.rounding) * size:
        return False
    # a candidate that rounds to the reference at the last digit that the reference gives
    if right.unit_digit is not None:
        place, digits = right.unit_digit, right.digits or 1
    elif right.integer:
        place, digits = Fraction(1), len(str(abs(int(right.value))))
    else:
        return False
    if b != right.value and right.value:
        place *= abs(b / right.value)
    return digits >= 2 and difference <= _ULP * place


#: Words that follow a number and are not a unit: "5 in total", "12 m downward", "3 and no more".
_PROSE = re.compile(
    r"(?:\\?(?:text|mathrm|mbox|textrm)\s*\{)?[\s(,;:.–—-]*(?:in|on|at|to|from|for|of|by|with|and|or|which|that|when|where|as|is|are|was|were|"
    r"the|an?|each|total|altogether|approximately|about|roughly|up(?:wards?)?|down(?:wards?)?|north|south|east|west|left|right|"
    r"away|after|before|above|below|more|less|times|if|so|since|because|through|along|toward|towards|into|horizontally|vertically|"
    r"clockwise|counterclockwise|anticlockwise|reais|units?|only|exactly|instead|rather|not|i\.?e|e\.?g)\b",
    re.IGNORECASE,
)
_NO_WORD = re.compile(r"[\s\W\d]*")


def _unit_of(number: Numeral, unit: str | None) -> Unit | str | None:
    """Return the unit of a number: as a `Unit`, as words that no table knows, or None where none is named.

    Args:
        number: what was read.
        unit: the unit that is given apart, where the number names none.
    """
    if number.percent:
        return Unit(0.01, 0.0, ())
    rest = number.rest or number.currency
    for words in (rest, unit):
        if words is None or _NO_WORD.fullmatch(words) and not re.search(r"[°%$€£¥₹′″Ω]|10\s*\^", words):
            continue
        found = read_unit(words)
        if found is NONE:
            return None if words is rest and unit is not None else NONE
        if found is not None:
            return found
        if not _PROSE.match(words):
            return " ".join(re.findall(r"[^\W\d_]+|\d+", strip_styles(words).replace("\\", " ")))
    return None


def _quantities(
    left: Numeral, right: Numeral, unit: str | None, tolerance: float | None, rules: Preset, kind: str
) -> Verdict:
    wanted = _unit_of(right, unit)
    given = _unit_of(left, None)
    if isinstance(given, str) or isinstance(wanted, str):
        return _unknown_units(left, right, given, wanted, tolerance, rules, kind)
    explicit_none = unit is not None and unit.strip() != "" and wanted is NONE and "less" in unit
    if given in (NONE, None) or wanted is None or (wanted is NONE and not explicit_none):
        # one side names no unit: the values are taken to be in the same one
        pairs = [(left.value, right.value)]
        scale = None
        if wanted is not None and given in (NONE, None) and not wanted.dimensions and wanted.factor != 1:
            scale = wanted.factor
        elif wanted is not None and wanted.dimensions and given in (NONE, None):
            scale = _power_of_ten(unit or right.rest)
        if given is not None and given is not NONE and not given.dimensions and given.factor == 0.01:
            return _percentages(left, right, tolerance, rules, kind)
        if scale and scale != 1:
            pairs.append((left.value, right.value * Fraction(scale)))
        for a, b in pairs:
            if _close(a, b, left, right, tolerance, rules, kind):
                return Verdict(CORRECT, "equal, one side without unit")
        return Verdict(WRONG, f"{_show(left)} is not {_show(right)}")
    assert given is not None
    turn = comparable(given, wanted)
    if turn is None:
        return Verdict(WRONG, "a unit of another dimension")
    if given.offset != wanted.offset or given.offset:
        a = left.value * Fraction(given.factor) + Fraction(given.offset)
        b = right.value * Fraction(wanted.factor) + Fraction(wanted.offset)
        if given == wanted:
            a, b = left.value, right.value
        else:  # the difference is judged on the reference's own scale
            a = (a - Fraction(wanted.offset)) / Fraction(wanted.factor)
            b = right.value
    else:
        a, b = left.value * turn * Fraction(given.factor) / Fraction(wanted.factor), right.value
        if abs(a - b) <= abs(b) * Fraction(1, 10**10):
            a = b
    same_unit = given == wanted
    if _close(a, b, left, right, tolerance, rules, "quantity"):
        return Verdict(CORRECT, "equal" if same_unit else "equal after conversion of units")
    if same_unit:
        return Verdict(WRONG, f"{_show(left)} is not {_show(right)}")
    return Verdict(WRONG, "not equal after conversion of units")


def _unknown_units(
    left: Numeral,
    right: Numeral,
    given: Unit | str | None,
    wanted: Unit | str | None,
    tolerance: float | None,
    rules: Preset,
    kind: str,
) -> Verdict:
    """Compare quantities of which one has a unit that no table knows: its words must be the same ones."""
    if isinstance(given, str) and wanted in (None, NONE) and kind == "number":
        given = wanted = None  # 12 apples, where 12 is asked
    both = isinstance(given, str) and isinstance(wanted, str)
    if both and _stem(str(given)) != _stem(str(wanted)) or not both and given not in (None, NONE):
        return Verdict(UNREADABLE, "a unit that is not known")
    if _close(left.value, right.value, left, right, tolerance, rules, kind):
        return Verdict(CORRECT, "equal, in the same words" if both else "equal, one side without unit")
    return Verdict(WRONG, f"{_show(left)} is not {_show(right)}")


def _stem(words: str) -> list[str]:
    return [word.lower().removesuffix("es").removesuffix("s") for word in words.split() if word.lower() != "of"]


def _power_of_ten(unit: str) -> float | None:
    match = re.match(r"[\s$]*10\s*\^\s*\{?\s*([-+]?\d{1,3})", unit)
    return 10.0 ** int(match[1]) if match else None
