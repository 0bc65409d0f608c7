"""Values of parsed answers: exact rationals where they are small, otherwise 50 digits by mpmath at chosen points.

Every step is bounded before it is taken (sizes of exponents and arguments), so that no answer, however it was
written, makes an evaluation long: towers of powers, factorials and sines of huge numbers raise `TooLarge`.
"""

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from megascience.scoring.budget import spend
from megascience.scoring.math import calculus
from megascience.scoring.math.tree import Node

#: Decimal digits of an evaluation; two values are equal when they agree to `AGREE` of them.
DIGITS = 50
AGREE = 40
#: An exact rational may have this many bits, a power's result this many before it counts as too large.
MAX_BITS = 8_192
_MAX_LOG = 60_000


class TooLarge(ArithmeticError):
    """The value is beyond what an answer can reasonably be."""


class Undefined(ArithmeticError):
    """The expression has no value (here), or has parts that cannot be evaluated."""


def exact(node: Node) -> Fraction | None:
    """Return the node's value where it is a rational of moderate size, or None."""
    kind = node[0]
    if kind == "num":
        return node[1]
    if kind in ("add", "mul"):
        total = Fraction(kind == "mul")
        for part in node[1:]:
            value = exact(part)
            if value is None:
                return None
            total = total + value if kind == "add" else total * value
            if max(total.numerator.bit_length(), total.denominator.bit_length()) > MAX_BITS:
                return None
        return total
    if kind in ("neg", "pct"):
        value = exact(node[1])
        return None if value is None else -value if kind == "neg" else value / 100
    if kind == "div":
        top, bottom = exact(node[1]), exact(node[2])
        return None if top is None or not bottom else top / bottom
    if kind == "pow":
        base, power = exact(node[1]), exact(node[2])
        if base is None or power is None or power.denominator != 1 or (not base and power <= 0):
            return None
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(power) > 4 * MAX_BITS or bits * abs(power) > 4 * MAX_BITS:
            return None
        return base ** int(power)
    if kind == "fn" and node[1] == "factorial":
        value = exact(node[2])
        if value is None or value.denominator != 1 or not 0 <= value <= 500:
            return None
        import math

        return Fraction(math.factorial(int(value)))
    return None


@lru_cache(maxsize=1)
def _context() -> Any:
    """Return an mpmath context of our own: the caller's precision is not touched."""
    import mpmath

    context = mpmath.MPContext()
    context.dps = DIGITS
    return context


class Evaluator:
    """Evaluates nodes with symbols at given points.

    Attributes:
        point: the symbols' values.
        magnitude: the largest operand of a sum that was met; cancellation is judged against it.
        complex: whether a root or a power of a negative number left the real line on the way.
        approximate: whether an integral, a limit or an endless sum was found by approximation.
    """

    def __init__(self, point: Mapping[str, Any] | None = None) -> None:
        self.mp = _context()
        self.point = point or {}
        self.magnitude = self.mp.zero
        self.complex = False
        self.approximate = False

    def __call__(self, node: Node) -> Any:
        """Return the node's complex value.

        Raises:
            Undefined: no value here. TooLarge: a step would have been beyond the bounds.
        """
        try:
            value = self._value(node)
        except (ZeroDivisionError, OverflowError, ValueError, TypeError, calculus.NoValue) as error:
            raise Undefined(str(error)) from error
        if not self.mp.isfinite(value):
            raise Undefined("infinite")
        return value

    def _note(self, value: Any) -> Any:
        size = abs(value)
        if size > self.magnitude:
            self.magnitude = size
        return value

    def _value(self, node: Node) -> Any:
        spend()
        mp, kind = self.mp, node[0]
        if kind == "num":
            number: Fraction = node[1]
            return (
                mp.mpf(number.numerator) / number.denominator if number.denominator != 1 else mp.mpf(number.numerator)
            )
        if kind == "sym":
            if node[1] not in self.point:
                raise Undefined(f"symbol {node[1]}")
            return self.point[node[1]]
        if kind == "const":
            if node[1] == "inf":
                raise Undefined("infinity")
            return {"pi": mp.pi, "e": mp.e, "i": mp.j}[node[1]] * 1
        if kind == "add":
            return mp.fsum(self._note(self._value(part)) for part in node[1:])
        if kind == "mul":
            product = mp.one
            for part in node[1:]:
                product = self._bounded(product * self._value(part))
            return product
        if kind == "div":
            return self._value(node[1]) / self._value(node[2])
        if kind == "neg":
            return -self._value(node[1])
        if kind == "pow":
            return self._power(self._value(node[1]), self._value(node[2]))
        if kind == "pct":
            return self._value(node[1]) / 100
        if kind == "deg":
            return self._value(node[1]) * mp.pi / 180
        if kind == "unit":
            return self._value(node[1])
        if kind == "fn":
            return self._bounded(self._function(node[1], node[2:]))
        if kind in ("big", "lim", "diff"):
            return self._calculus(node)
        if kind == "call":
            # an unknown function: some fixed smooth function of its arguments, the same wherever it stands
            seed = self.point.get(node[1] + "()", mp.one)
            value = mp.cos(seed)
            for position, part in enumerate(node[2:]):
                value += mp.sin((position + 2) * seed + self._small(self._value(part)))
            return value
        raise Undefined(kind)

    def _bounded(self, value: Any) -> Any:
        mp = self.mp
        if mp.isfinite(value) and value != 0 and abs(mp.mag(value)) > 4 * _MAX_LOG:
            raise TooLarge
        return value

    def _small(self, value: Any) -> Any:
        if value != 0 and self.mp.mag(value) > 120:
            raise TooLarge
        return value

    def _calculus(self, node: Node) -> Any:
        mp, kind = self.mp, node[0]
        name, body = (node[2], node[5]) if kind == "big" else (node[1], node[4] if kind == "lim" else node[3])
        before = dict(self.point)

        def at(x: Any) -> Any:
            self.point = {**before, name: x}
            return self._value(body)

        try:
            if kind == "diff":
                if name not in before:
                    raise Undefined(f"symbol {name}")
                return calculus.derivative(mp, at, before[name], node[2])
            if kind == "lim":
                self.approximate = True
                return calculus.limit(mp, at, self._end(node[2]), node[3])
            low, high = self._end(node[3]), self._end(node[4])
            if node[1] == "int":
                self.approximate = True
                return calculus.integral(mp, at, low, high)
            if mp.isinf(high) and node[1] == "sum":
                self.approximate = True
                return calculus.endless_sum(mp, at, low)
            return calculus.total(mp, node[1], at, low, high)
        finally:
            self.point = before

    def _end(self, node: Node) -> Any:
        """Return a bound's value, which may be infinite."""
        if node == ("const", "inf"):
            return self.mp.inf
        if node == ("neg", ("const", "inf")):
            return -self.mp.inf
        return self._value(node)

    def _power(self, base: Any, exponent: Any) -> Any:
        mp = self.mp
        if base == 0:
            if mp.re(exponent) <= 0:
                raise Undefined("0 to a power that is not positive")
            return mp.zero
        if self.approximate and mp.re(exponent * mp.log(base)) < -_MAX_LOG:
            return mp.zero  # the far end of an integral, e^{-x}
        if exponent != 0 and mp.mag(exponent) > 40:
            raise TooLarge
        if abs(mp.re(exponent * mp.log(base))) > _MAX_LOG:
            raise TooLarge
        if mp.im(base) == 0 and mp.im(exponent) == 0:
            base, exponent = mp.re(base), mp.re(exponent)
            if base < 0 and exponent != mp.floor(exponent):
                # the real root of a negative number, where there is one, is what answers mean
                for odd in (3, 5, 7, 9):
                    top = exponent * odd
                    if abs(top - mp.nint(top)) < mp.mpf(10) ** -AGREE:
                        sign = -1 if int(mp.nint(top)) % 2 else 1
                        return sign * (-base) ** exponent
        return base**exponent

    def _function(self, name: str, arguments: tuple[Node, ...]) -> Any:
        mp = self.mp
        spend(8)
        if name == "det":
            return self._determinant(arguments[0])
        values = [self._value(part) for part in arguments]
        if name == "log" and len(values) == 2:
            return mp.log(values[0]) / mp.log(values[1])
        if name in ("max", "min", "gcd", "lcm"):
            return self._extreme(name, values)
        if name == "binom" and len(values) == 2:
            return mp.binomial(self._small_integer(values[0]), self._small_integer(values[1]))
        if len(values) != 1:
            raise Undefined(f"{name} of {len(values)} arguments")
        (x,) = values
        if name == "sqrt":
            return self._principal_root(x)
        if name == "cbrt":
            return self._power(x, mp.one / 3)
        if name in ("abs", "norm"):
            return abs(x)
        if name in ("floor", "ceil"):
            return getattr(mp, name)(mp.re(self._small(x)))
        if name in ("sgn", "sign"):
            return mp.sign(x)
        if name in ("Re", "Im"):
            return mp.re(x) if name == "Re" else mp.im(x)
        if name == "arg":
            return mp.arg(x)
        if name == "factorial":
            return mp.factorial(self._small_integer(x))
        if name == "Gamma":
            return mp.gamma(self._small_integer(x))
        if name == "cis":
            x = self._small(x)
            return mp.cos(x) + mp.j * mp.sin(x)
        if name == "exp":
            return self._power(mp.e * 1, x)
        if name in ("ln", "log", "lg"):
            return mp.log10(x) if name == "lg" else mp.log(x)
        if name == "erf":
            return mp.erf(self._small_integer(x))
        x = self._small(x)
        short = name.replace("arc", "a")
        if short.startswith("a") and short[1:] in ("sin", "cos", "tan", "cot", "sec", "csc"):
            return getattr(mp, short)(x)
        if short.endswith("h"):
            self._note(x)
            if abs(x) > _MAX_LOG:
                raise TooLarge
            return getattr(mp, short)(x)
        if name in ("sin", "cos", "tan", "cot", "sec", "csc"):
            self._note(mp.one)
            self._note(x)
            return getattr(mp, name)(x)
        raise Undefined(name)

    def _principal_root(self, x: Any) -> Any:
        value = self.mp.sqrt(x)
        self.complex |= bool(self.mp.im(value) != 0)
        return value

    def _small_integer(self, x: Any) -> Any:
        if abs(x) > 5_000:
            raise TooLarge
        return x

    def _extreme(self, name: str, values: list[Any]) -> Any:
        if name in ("max", "min"):
            if any(self.mp.im(v) != 0 for v in values):
                raise Undefined(name)
            return (max if name == "max" else min)(self.mp.re(v) for v in values)
        import math

        if any(self.mp.im(v) != 0 or abs(v - self.mp.nint(self.mp.re(v))) > self.mp.mpf(10) ** -30 for v in values):
            raise Undefined(name)  # of integers only
        whole = [int(self.mp.nint(self.mp.re(self._small(v)))) for v in values]
        return self.mp.mpf(math.gcd(*whole) if name == "gcd" else math.lcm(*whole))

    def _determinant(self, node: Node) -> Any:
        if node[0] != "matrix" or len(node) - 1 != len(node[1]) or len(node) > 7:
            raise Undefined("determinant")
        rows = [[self._value(cell) for cell in row] for row in node[1:]]
        return self.mp.det(self.mp.matrix(rows))
