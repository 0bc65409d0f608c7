"""Equality of values: rationals exactly, constants to 40 digits, expressions with symbols at several points."""

import random
from collections.abc import Sequence
from typing import Any

from megascience.scoring.budget import spend
from megascience.scoring.math.calculus import APPROXIMATE, bound_names
from megascience.scoring.math.evaluation import AGREE, Evaluator, TooLarge, Undefined, exact
from megascience.scoring.math.tree import Node
from megascience.scoring.math.tree import names_of as symbols

POINTS = 4


#: Symbols that stand for any real number; others (m, \\hbar, \\epsilon_0, R) are physical quantities and positive.
_SIGNED = frozenset("xyztuabc")


class Undecided(ArithmeticError):
    """Neither equal nor different could be shown."""


#: Constants that agree are compared once more with so many digits, so that e^{-100} is not lost beside 1.
_MORE_DIGITS = 400
_MOST_DIGITS = 4_000


def points_for(
    names: Sequence[str], count: int, negative: bool, whole: frozenset[str] | set[str] = frozenset()
) -> list[dict[str, Any]]:
    """Return the same points for the same names each time: reproducible verdicts.

    Args:
        names: the symbols, sorted.
        count: how many points.
        negative: symbols that may stand for any real number take negative values as well.
        whole: the symbols that stand for whole numbers.
    """
    generator = random.Random(" ".join(names) + str(negative))
    mp = Evaluator().mp
    points = []
    negative = negative and any(name in _SIGNED for name in names)
    for _ in range(count):
        point = {}
        for name in names:
            if name in whole:
                point[name] = mp.mpf(generator.randint(2, 30))
                continue
            value = mp.mpf(generator.randint(3_000_000, 19_000_000)) / 7_654_321
            point[name] = -value if negative and name in _SIGNED and generator.random() < 0.7 else value
        points.append(point)
    return points


def agree(a: Any, b: Any, magnitude: Any, digits: int = AGREE) -> bool:
    """Return whether two values are the same to so many digits of the largest operand that was met."""
    mp = Evaluator().mp
    scale = max(abs(a), abs(b), magnitude)
    return bool(abs(a - b) <= scale * mp.mpf(10) ** -digits)


def same_value(a: Node, b: Node) -> bool:
    """Return whether two scalar expressions are mathematically equal.

    Raises:
        Undecided: at none of the points both could be evaluated.
    """
    if a == b:
        return True
    endless = _infinity(a), _infinity(b)
    if any(endless):
        return endless[0] == endless[1]
    left, right = exact(a), exact(b)
    if left is not None and right is not None:
        return left == right
    names = sorted(symbols(a) | symbols(b))
    if not names:
        return _same_at(a, b, {})
    tested = 0
    whole = bound_names(a) | bound_names(b)
    for point in points_for(names, POINTS, negative=False, whole=whole):
        try:
            if not _same_at(a, b, point):
                return False
            tested += 1
        except Undecided:
            continue
    for point in points_for(names, 2 * POINTS, negative=True, whole=whole):
        try:
            one, two = Evaluator(point), Evaluator(point)
            x, y = one(a), two(b)
        except (TooLarge, Undefined):
            continue
        real = one.mp.im(x) == 0 and one.mp.im(y) == 0 and not (one.complex or two.complex)
        if not real and not any(_has_i(n) for n in (a, b)):
            continue
        digits = APPROXIMATE if one.approximate or two.approximate else AGREE
        if not agree(x, y, max(one.magnitude, two.magnitude), digits):
            return False
        tested += 1
    if not tested:
        raise Undecided("no point in both domains")
    return True


def _infinity(node: Node) -> int:
    """Return 1 for infinity, -1 for minus infinity, 0 for anything else."""
    if node[0] == "neg":
        return -_infinity(node[1])
    return int(node == ("const", "inf"))


def _has_i(node: Node) -> bool:
    return node == ("const", "i") or any(isinstance(p, tuple) and p and _has_i(p) for p in node[1:])


def _same_at(a: Node, b: Node, point: dict[str, Any]) -> bool:
    evaluators = Evaluator(point), Evaluator(point)
    values: list[Any] = []
    huge = 0
    for evaluator, node in zip(evaluators, (a, b), strict=True):
        try:
            values.append(evaluator(node))
        except TooLarge:
            huge += 1
        except Undefined:
            if evaluator.approximate:
                raise Undecided("an integral, a sum or a limit without a value") from None
            values.append(None)
    if huge == 1 and values[0] is not None:
        return False  # a value of moderate size is not a huge one
    if huge or values == [None, None]:
        raise Undecided("too large" if huge else "undefined")
    if None in values:
        return False
    magnitude = max(e.magnitude for e in evaluators)
    if any(e.approximate for e in evaluators):
        return agree(values[0], values[1], magnitude, APPROXIMATE)
    if not agree(values[0], values[1], magnitude):
        return False
    return bool(point) or _agree_with_more_digits(a, b, magnitude)


def _agree_with_more_digits(a: Node, b: Node, magnitude: Any) -> bool:
    """Return whether two constants that agree still do so with many more digits."""
    one, two = Evaluator(), Evaluator()
    mp = one.mp
    size = max(0, int(mp.mag(magnitude) * 0.302)) if magnitude else 0
    if size > _MOST_DIGITS:
        raise Undecided("too large")
    digits = _MORE_DIGITS + size
    spend(digits // 20)
    with mp.workdps(digits):
        try:
            return agree(one(a), two(b), max(one.magnitude, two.magnitude), digits - 40)
        except (TooLarge, Undefined):
            return True  # it was there with fewer digits
