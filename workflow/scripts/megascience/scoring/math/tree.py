"""The tree of an answer: what the parser makes and everything else reads.

The nodes are tuples whose first item names them:
    ("num", Fraction, digits)       digits is None for an integer, else (significant digits, exponent of the last one)
    ("sym", name)  ("const", name)  names of constants: pi, e, i, inf
    ("add", a, b…) ("mul", a, b…) ("pow", a, b) ("neg", a) ("div", a, b) ("pm", a, b) ("mp", a, b)
    ("fn", name, arg…) ("call", name, arg…)      known functions; unknown ones, f(x)
    ("deg", a) ("pct", a) ("unit", a, text)      90°, 5 %, a number followed by words
    ("seq", item…)  ("paren", open, close, item…)  ("set", item…)  ("matrix", (row…)…)
    ("big", "sum" | "prod" | "int", name, low, high, body)  ("lim", name, to, side, body)  ("diff", name, order, body)
    ("rel", (op…), (side…))  ("union", …) ("inter", …) ("minus", a, b)  ("word", text)  ("base", digits, base)
"""

from fractions import Fraction
from typing import Any

Node = tuple[Any, ...]

#: No final answer of a benchmark is longer or deeper; what is, is compared as text.
MAX_LENGTH = 2_000
MAX_DEPTH = 60
MAX_TOKENS = 1_200
#: A decimal exponent beyond this is not a number that a benchmark asks for.
MAX_EXPONENT = 4_000


class ParseError(ValueError):
    """The text is not mathematics that this grammar knows."""


class TooComplex(ParseError):
    """The text is longer or deeper than any answer: no other parser should try it either."""


def number(text: str) -> Node:
    """Return the node of a plain numeral, with its significant digits where it is a decimal."""
    if "." not in text:
        if len(text) > MAX_EXPONENT:
            raise TooComplex("a numeral with too many digits")
        return ("num", Fraction(int(text)), None)
    whole, _, part = text.partition(".")
    if len(text) > MAX_EXPONENT:
        raise TooComplex("a numeral with too many digits")
    digits = (whole + part).lstrip("0")
    return ("num", Fraction(int(whole + part or "0"), 10 ** len(part)), (max(len(digits), 1), -len(part)))


def names_of(node: Node) -> set[str]:
    """Return the names of the free symbols of a node, and of unknown functions (with parentheses)."""
    if node[0] == "sym":
        return {node[1]}
    if node[0] == "big":
        return names_of(node[3]) | names_of(node[4]) | (names_of(node[5]) - {node[2]})
    if node[0] == "lim":
        return names_of(node[2]) | (names_of(node[4]) - {node[1]})
    found = {node[1] + "()"} if node[0] == "call" else set()
    for part in node[1:]:
        if isinstance(part, tuple) and part:
            parts = [part] if isinstance(part[0], str) else [p for p in part if isinstance(p, tuple)]
            for inner in parts:
                if inner and isinstance(inner[0], str):
                    found |= names_of(inner)
    return found


def fraction(top: Node, bottom: Node) -> Node:
    """Return a fraction; a derivative dy/dx is a name, and d/dx asks for what is derived ("d/dx", name, order)."""
    if _starts_with_d(bottom) and bottom[0] == "mul":
        order = 1 if top == ("sym", "d") else top[2][1] if top[0] == "pow" and top[1] == ("sym", "d") else None
        if order is not None:
            below = bottom[2]
            if below[0] == "pow" and below[2] == ("num", order, None):
                below = below[1]
            elif order != 1:
                raise ParseError("a derivative of unknown order")
            if below[0] != "sym" or len(bottom) != 3 or order not in (1, 2, 3, 4):
                raise ParseError("a derivative")
            return ("d/dx", below[1], int(order))
        if _starts_with_d(top):
            return ("sym", f"{top!r}/{bottom!r}")
    return ("div", top, bottom)


def _starts_with_d(node: Node) -> bool:
    first = node[1] if node[0] == "mul" else node
    return first == ("sym", "d") or (first[0] == "pow" and first[1] == ("sym", "d"))


def total(terms: list[Node]) -> Node:
    """Return a sum, or its only term."""
    return terms[0] if len(terms) == 1 else ("add", *terms)


def product(*factors: Node) -> Node:
    """Return a product without products in it."""
    flat: list[Node] = []
    for factor in factors:
        flat.extend(factor[1:] if factor[0] == "mul" else (factor,))
    return ("mul", *flat)


def is_integer(node: Node) -> bool:
    """Return whether a node is a numeral without decimals."""
    return node[0] == "num" and node[2] is None


def is_fraction(node: Node) -> bool:
    """Return whether a node is a fraction of two integers."""
    return node[0] == "div" and is_integer(node[1]) and is_integer(node[2])
