"""Values of sums, products, integrals, limits and derivatives, by numbers.

Sums and products are added up term by term, so their bounds are whole numbers. Integrals, limits and endless sums
are found to some 15 digits and say so (`APPROXIMATE`); where two ways to find them differ they have no value.
"""

from collections.abc import Callable
from typing import Any

from megascience.scoring.math.tree import Node

#: Two values of which one is found by approximation are equal when they agree to so many digits.
APPROXIMATE = 12
_MAX_TERMS = 3_000
_QUADRATURE_DIGITS = 24
_LIMIT_POINTS = 14


class NoValue(ArithmeticError):
    """The sum, integral, limit or derivative has no value that can be found."""


def total(mp: Any, name: str, term: Callable[[Any], Any], low: Any, high: Any) -> Any:
    """Return the sum (or product, for `name` "prod") of a term over whole numbers from low to high."""
    first, last = _whole(mp, low), _whole(mp, high)
    if last - first >= _MAX_TERMS:
        raise NoValue("too many terms")
    value = mp.zero if name == "sum" else mp.one
    for k in range(first, last + 1):
        value = value + term(mp.mpf(k)) if name == "sum" else value * term(mp.mpf(k))
    return value


def endless_sum(mp: Any, term: Callable[[Any], Any], low: Any) -> Any:
    """Return the sum of a term from low to infinity, by extrapolation of partial sums."""
    first = _whole(mp, low)
    small = mp.mpf(10) ** -40
    value, quiet = mp.zero, 0
    for k in range(first, first + 400):  # a series that converges fast is simply added up
        step = term(mp.mpf(k))
        value += step
        quiet = quiet + 1 if abs(step) <= small * max(1, abs(value)) else 0
        if quiet == 3:
            return value
    found = []
    for digits in (30, 22):
        with mp.workdps(digits):
            try:
                found.append(mp.nsum(term, [first, mp.inf], maxterms=4_000))
            except (mp.NoConvergence, ValueError, ZeroDivisionError) as exception:
                raise NoValue("the sum does not converge") from exception
    if not all(map(mp.isfinite, found)) or abs(found[0] - found[1]) > mp.mpf(10) ** -APPROXIMATE * max(
        1, abs(found[0])
    ):
        raise NoValue("the sum does not converge")
    return found[0]


def integral(mp: Any, integrand: Callable[[Any], Any], low: Any, high: Any) -> Any:
    """Return a definite integral; its bounds may be infinite."""
    with mp.workdps(_QUADRATURE_DIGITS):
        value, error = mp.quad(integrand, [low, high], error=True, maxdegree=7)
    if not mp.isfinite(value) or error > mp.mpf(10) ** -APPROXIMATE * max(1, abs(value)):
        raise NoValue("the integral does not converge")
    return value


def limit(mp: Any, function: Callable[[Any], Any], to: Any, side: int = 0) -> Any:
    """Return a limit, by extrapolation from points that draw near; `side` is 1 from above, -1 from below, else 0."""
    if mp.isinf(to):
        sign = 1 if to > 0 else -1
        found = [_extrapolated(mp, lambda h: function(sign / h))]
    else:
        found = [_from_side(mp, function, to, s) for s in ((1, -1) if not side else (side,))]
    if any(abs(value - found[0]) > mp.mpf(10) ** -APPROXIMATE * max(1, abs(found[0])) for value in found):
        raise NoValue("the limit differs by side")
    return found[0]


def _from_side(mp: Any, function: Callable[[Any], Any], to: Any, side: int) -> Any:
    return _extrapolated(mp, lambda h: function(to + side * h))


def _extrapolated(mp: Any, function: Callable[[Any], Any]) -> Any:
    """Return the value at 0 of a smooth function of h > 0, from values at h = 1/8, 1/16, … (Neville's scheme)."""
    with mp.workdps(70):
        points = [mp.mpf(2) ** -(k + 3) for k in range(_LIMIT_POINTS)]
        row = [function(h) for h in points]
        estimates = []
        for order in range(1, len(points)):
            row = [
                (points[i] * row[i + 1] - points[i + order] * row[i]) / (points[i] - points[i + order])
                for i in range(len(row) - 1)
            ]
            estimates.append(row[-1])
    if abs(estimates[-1] - estimates[-2]) > mp.mpf(10) ** -(APPROXIMATE + 1) * max(1, abs(estimates[-1])):
        raise NoValue("no limit")
    return estimates[-1]


def derivative(mp: Any, function: Callable[[Any], Any], at: Any, order: int) -> Any:
    """Return a derivative of low order at a point."""
    if not 1 <= order <= 4:
        raise NoValue("a derivative of high order")
    return mp.diff(function, at, order)


def _whole(mp: Any, value: Any) -> int:
    if mp.im(value) != 0 or abs(value) > 10**6 or abs(mp.re(value) - mp.nint(mp.re(value))) > mp.mpf(10) ** -20:
        raise NoValue("a bound that is not a whole number")
    return int(mp.nint(mp.re(value)))


def bound_names(node: Node) -> set[str]:
    """Return the free symbols in the bounds of sums and products: they stand for whole numbers."""
    from megascience.scoring.math.tree import names_of

    found: set[str] = set()
    if node[0] == "big" and node[1] in ("sum", "prod"):
        found |= names_of(node[3]) | names_of(node[4])
    for part in node[1:]:
        if isinstance(part, tuple) and part:
            for inner in [part] if isinstance(part[0], str) else [p for p in part if isinstance(p, tuple) and p]:
                if isinstance(inner[0], str):
                    found |= bound_names(inner)
    return found
