"""Equality of two scalars in mathematical answers: which rounding, percent signs and logarithms are forgiven."""

from fractions import Fraction

from megascience.scoring.math.evaluation import TooLarge, Undefined, exact
from megascience.scoring.math.numerals import from_node
from megascience.scoring.math.regions import ScalarTest, strip_name
from megascience.scoring.math.tree import Node
from megascience.scoring.math.tree import names_of as symbols
from megascience.scoring.math.values import same_value
from megascience.scoring.model import Preset

_ULP = Fraction(1, 2)


#: Two roundings of one irrational constant in `expression`: this many digits must be given.
_FEWEST_DIGITS = 4


def scalar_test(tolerance: float | None, rules: Preset) -> ScalarTest:
    """Return the test of two scalars for mathematical kinds.

    Exact values must be equal. A decimal stands for the value that rounds to it, if it gives four digits or more;
    the `paper` preset and an explicit tolerance allow a relative difference instead.
    """

    def test(a: Node, b: Node) -> bool:
        if a[0] in ("seq", "set", "paren", "matrix", "rel", "union") or b[0] in ("seq", "set", "paren", "matrix"):
            return False
        percent_a, percent_b = a[0] == "pct", b[0] == "pct"
        if percent_a != percent_b:
            bare = b if percent_a else a
            inner = a[1] if percent_a else b[1]
            size = exact(bare)
            if size is not None and abs(size) > 1 and test(bare, inner):  # 25 for 25 %: its sign was left out
                return True
        if (a[0] == "deg") != (b[0] == "deg"):
            inner, bare = (a[1], b) if a[0] == "deg" else (b[1], a)
            if same_value(inner, bare):
                return True
        if same_value(a, b):
            return True
        if _has_log((a, b)) and same_value(_decadic(a), _decadic(b)):
            return True
        if symbols(a) or symbols(b):
            return False
        try:
            left, right = from_node(a), from_node(b)
        except (Undefined, TooLarge):
            return False
        difference, size = abs(left.value - right.value), max(abs(left.value), abs(right.value))
        if (left.value < 0) != (right.value < 0):
            return False
        if tolerance is not None:
            return difference <= Fraction(tolerance) * size
        if not rules.integers_exact:
            return difference <= Fraction(rules.tolerance) * size
        if left.rounded == right.rounded:
            return False
        decimal, other = (left, right) if left.rounded else (right, left)
        if other.integer or exact(b if left.rounded else a) is not None and _terminates(other.value):
            return False
        place = decimal.unit_digit or Fraction(0)
        return (decimal.digits or 0) >= _FEWEST_DIGITS and difference <= _ULP * place

    return test


def _has_log(nodes: tuple[Node, ...]) -> bool:
    return any(n[:2] == ("fn", "log") and len(n) == 3 or _has_log(tuple(p for p in n if isinstance(p, tuple) and p))
               for n in nodes)  # fmt: skip


def _decadic(node: Node) -> Node:
    """Return the node with each `log` without a base as the decadic one: which is meant depends on the field."""
    if node[:2] == ("fn", "log") and len(node) == 3:
        return ("fn", "lg", _decadic(node[2]))
    return tuple(_decadic(part) if isinstance(part, tuple) and part else part for part in node)


def _terminates(value: Fraction) -> bool:
    """Return whether a rational is a decimal itself, so that a rounded one is simply another number."""
    bottom = value.denominator
    for prime in (2, 5):
        while bottom % prime == 0:
            bottom //= prime
    return bottom == 1 and value.denominator < 10**6


#: Names that an integration constant goes by.
_CONSTANTS = frozenset({"C", "c", "K", "k", "C_1", "c_1", "C_0", "c_0", "C'", "const"})


_VARIABLES = frozenset("x y z t u v w s r theta phi".split())


def one_constant(a: Node, b: Node) -> tuple[Node, Node]:
    """Return two antiderivatives with one name for the constant that each of them ends in (`+ C`, `+ c`)."""
    left, right = _constant(a), _constant(b)
    if left is None or right is None or left == right:
        return a, b
    rest = symbols(a) - {left[1]} | symbols(b) - {right[1]}
    if not rest & _VARIABLES or {left[1], right[1]} & rest:
        return a, b
    return a, tuple(left if part == right else part for part in b) if b[0] == "add" else b


#: Names that stand for any whole number in a general solution.
_PARAMETERS = frozenset({"n", "k", "m"})


def one_parameter(a: Node, b: Node) -> tuple[Node, Node]:
    """Return two general solutions (2πn, 2kπ) with one name for their whole number."""
    left, right = symbols(strip_name(a)), symbols(strip_name(b))
    one, two = left - right, right - left
    if len(one) != 1 or len(two) != 1 or not (one | two) <= _PARAMETERS or not (_has_pi(a) and _has_pi(b)):
        return a, b
    return a, _renamed(b, two.pop(), one.pop())


def _has_pi(node: Node) -> bool:
    return node == ("const", "pi") or any(_has_pi(part) for part in node[1:] if isinstance(part, tuple) and part)


def _renamed(node: Node, old: str, new: str) -> Node:
    if node == ("sym", old):
        return ("sym", new)
    return tuple(_renamed(part, old, new) if isinstance(part, tuple) and part else part for part in node)


def _constant(node: Node) -> Node | None:
    found = [part for part in node[1:] if node[0] == "add" and part[0] == "sym" and part[1] in _CONSTANTS]
    return found[0] if len(found) == 1 else None
