"""Solutions of equations: whether two equations in the same symbols are solved by the same values."""

from fractions import Fraction

from megascience.scoring.budget import spend
from megascience.scoring.math.evaluation import MAX_BITS
from megascience.scoring.math.tree import Node, names_of

#: A polynomial in one symbol: its coefficients, the constant first, without zeros at the end.
Polynomial = list[Fraction]
_MAX_DEGREE = 24
#: No rational relation holds between π, e and the rationals, so that any fixed value may stand for each of them.
_CONSTANTS = {"pi": Fraction(7919, 2521), "e": Fraction(6353, 2333)}


class NotRational(ArithmeticError):
    """The node is not a rational function with rational coefficients, or one of too high a degree."""


def same_solutions(a: Node, b: Node) -> bool | None:
    """Return whether a = 0 and b = 0 have the same solutions, None where they are not rational functions.

    Each symbol in turn is the unknown, while the others have fixed values; then both sides are polynomials over a
    denominator, and their solutions are the same where the parts without repeated factors are. Complex solutions
    count: x³ = 8 is not x = 2.
    """
    names = sorted(names_of(a) | names_of(b))
    if not names:
        return None
    try:
        for unknown in names:
            for shift in range(2 if len(names) > 1 else 1):
                point = {
                    name: Fraction(7 + 6 * i + 11 * shift, 3 + 2 * i + shift)
                    for i, name in enumerate(names)
                    if name != unknown
                }
                if _roots(a, unknown, point) != _roots(b, unknown, point):
                    return False
    except (NotRational, ZeroDivisionError):
        return None
    return True


def _roots(node: Node, unknown: str, point: dict[str, Fraction]) -> tuple[Fraction, ...]:
    """Return the monic polynomial whose roots are the values of the unknown at which the node is zero."""
    top, bottom = _rational(node, unknown, point)
    if not top:
        return (Fraction(0),)
    top, _ = _divide(top, _gcd(top, _derivative(top)))  # each root once
    poles = _gcd(top, bottom)
    top, _ = _divide(top, poles)
    return tuple(c / top[-1] for c in top)


def _rational(node: Node, unknown: str, point: dict[str, Fraction]) -> tuple[Polynomial, Polynomial]:
    spend(4)
    kind = node[0]
    if kind == "num":
        return _trim([node[1]]), [Fraction(1)]
    if kind == "sym":
        return ([Fraction(0), Fraction(1)] if node[1] == unknown else _trim([point[node[1]]])), [Fraction(1)]
    if kind == "const" and node[1] in _CONSTANTS:
        return [_CONSTANTS[node[1]]], [Fraction(1)]
    if kind in ("neg", "pct"):
        top, bottom = _rational(node[1], unknown, point)
        factor = Fraction(-1) if kind == "neg" else Fraction(1, 100)
        return [factor * c for c in top], bottom
    if kind == "add":
        top, bottom = _rational(node[1], unknown, point)
        for part in node[2:]:
            more, below = _rational(part, unknown, point)
            if below == bottom:
                top = _sum(top, more)
            else:
                top, bottom = _sum(_times(top, below), _times(more, bottom)), _times(bottom, below)
        return top, bottom
    if kind == "mul":
        top, bottom = [Fraction(1)], [Fraction(1)]
        for part in node[1:]:
            more, below = _rational(part, unknown, point)
            top, bottom = _times(top, more), _times(bottom, below)
        return top, bottom
    if kind == "div":
        top, bottom = _rational(node[1], unknown, point)
        more, below = _rational(node[2], unknown, point)
        if not more:
            raise ZeroDivisionError
        return _times(top, below), _times(bottom, more)
    if kind == "pow" and node[2][0] in ("num", "neg"):
        power = node[2][1] if node[2][0] == "num" else -node[2][1][1] if node[2][1][0] == "num" else None
        if power is None or power.denominator != 1 or abs(power) > _MAX_DEGREE:
            raise NotRational
        top, bottom = _rational(node[1], unknown, point)
        if power < 0:
            top, bottom = bottom, top
        if not bottom:
            raise ZeroDivisionError
        return _power(top, int(abs(power))), _power(bottom, int(abs(power)))
    raise NotRational


def _trim(p: Polynomial) -> Polynomial:
    while p and not p[-1]:
        p.pop()
    return p


def _sum(p: Polynomial, q: Polynomial) -> Polynomial:
    size = max(len(p), len(q))
    padded = [c + [Fraction(0)] * (size - len(c)) for c in (p, q)]
    return _trim([x + y for x, y in zip(*padded, strict=True)])


def _times(p: Polynomial, q: Polynomial) -> Polynomial:
    if len(p) + len(q) > _MAX_DEGREE + 2:
        raise NotRational
    spend(len(p) * len(q))
    found = [Fraction(0)] * max(len(p) + len(q) - 1, 0)
    for i, x in enumerate(p):
        for j, y in enumerate(q):
            found[i + j] += x * y
    if any(c.numerator.bit_length() > MAX_BITS or c.denominator.bit_length() > MAX_BITS for c in found):
        raise NotRational
    return _trim(found)


def _power(p: Polynomial, n: int) -> Polynomial:
    found = [Fraction(1)]
    for _ in range(n):
        found = _times(found, p)
    return found


def _derivative(p: Polynomial) -> Polynomial:
    return [i * c for i, c in enumerate(p)][1:]


def _divide(p: Polynomial, q: Polynomial) -> tuple[Polynomial, Polynomial]:
    """Return quotient and remainder."""
    rest, quotient = list(p), [Fraction(0)] * max(len(p) - len(q) + 1, 0)
    while len(rest) >= len(q):
        spend(len(q))
        factor = rest[-1] / q[-1]
        shift = len(rest) - len(q)
        quotient[shift] = factor
        rest = _trim([c - factor * q[i - shift] if i >= shift else c for i, c in enumerate(rest)])
    return _trim(quotient), rest


def _gcd(p: Polynomial, q: Polynomial) -> Polynomial:
    while q:
        p, q = q, _divide(p, q)[1]
        q = [c / q[-1] for c in q] if q else q
    return [c / p[-1] for c in p]
