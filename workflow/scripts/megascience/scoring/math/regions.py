"""Regions of the real line: intervals, their unions, and inequalities in one symbol."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from megascience.scoring.math.evaluation import Evaluator, TooLarge, Undefined
from megascience.scoring.math.tree import Node
from megascience.scoring.math.tree import names_of as symbols

#: Decides whether two scalars are equal; which rounding is forgiven differs by kind and preset.
ScalarTest = Callable[[Node, Node], bool]


def strip_name(node: Node) -> Node:
    """Return the right side of an assignment (`x = 5`, `f(x) = …`, `x \\in …`), or the node."""
    if node[0] == "rel" and node[1][0] in ("=", "in", ":", "to") and set(node[1]) <= {"=", "in", ":", "to"}:
        head, last = node[2][0], node[2][-1]
        if is_name(head) and not (symbols(head) & symbols(last) and head[0] == "sym"):
            return last
    return node


#: Functions whose value an answer may name before it gives it: tan A = 3/4.
_NAMED = frozenset({"sin", "cos", "tan", "cot", "abs", "det", "max", "min", "gcd", "lcm", "dim", "arg", "rank", "tr"})


def is_name(node: Node) -> bool:
    if node[0] == "mul":
        return all(part[0] in ("sym", "const") for part in node[1:])
    if node[0] == "paren":
        return all(is_name(part) for part in node[3:])
    if node[0] == "div":  # NO/BO, a ratio of lengths
        return all(is_name(part) for part in node[1:])
    if node[0] == "fn":  # \sin\theta, |AB|
        return node[1] in _NAMED and all(is_name(part) and part[0] != "const" for part in node[2:])
    if node[0] == "pow":  # the inverse of a matrix
        return node[1][0] == "sym" and node[1][1].isupper() and node[2] == ("neg", ("num", Fraction(1), None))
    return node[0] in ("sym", "call", "word") or node == ("const", "e")


FLIP = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}


def as_interval(node: Node) -> Node | None:
    """Return the interval that an inequality in one symbol (`1 < x \\le 3`, `x > 2`) describes, else None."""
    ops, sides = node[1], node[2]
    infinity: Node = ("const", "inf")
    if (
        len(sides) == 3
        and sides[1][:2] == ("fn", "abs")
        and sides[1][2][0] == "sym"
        and ops[0] in FLIP
        and ops[1] in FLIP
    ):
        parts = [as_interval(("rel", (op,), pair)) for op, pair in zip(ops, (sides[:2], sides[1:]), strict=True)]
        return None if None in parts else ("inter", parts[0], parts[1])  # 1 <= |z| <= 2
    if len(sides) == 3 and sides[1][0] in ("sym", "call") and not symbols(sides[0]) and not symbols(sides[2]):
        if set(ops) <= {"<", "<="}:
            return ("paren", "(" if ops[0] == "<" else "[", ")" if ops[1] == "<" else "]", sides[0], sides[2])
        if set(ops) <= {">", ">="}:
            return ("paren", "(" if ops[1] == ">" else "[", ")" if ops[0] == ">" else "]", sides[2], sides[0])
    if len(sides) == 2 and ops[0] in FLIP:
        left, right, op = sides[0], sides[1], ops[0]
        if symbols(right) and not symbols(left):
            left, right, op = right, left, FLIP[op]
        if left[:2] == ("fn", "abs") and left[2][0] == "sym" and not symbols(right):
            inner, minus = left[2], ("neg", right)
            if op in ("<", "<="):
                return as_interval(("rel", (op, op), (minus, inner, right)))
            if op in (">", ">="):
                parts = [as_interval(("rel", (o,), (inner, end))) for o, end in ((op, right), (FLIP[op], minus))]
                return ("union", parts[0], parts[1])
        if left[0] not in ("sym", "call") or symbols(right):
            return None
        if op in ("<", "<="):
            return ("paren", "(", ")" if op == "<" else "]", ("neg", infinity), right)
        if op in (">", ">="):
            return ("paren", "(" if op == ">" else "[", ")", right, infinity)
        if op == "!=":
            everything: Node = ("paren", "(", ")", ("neg", infinity), infinity)
            return ("minus", everything, ("set", right))
    return None


def is_region(node: Node) -> bool:
    if node == ("word", "field R"):
        return True
    return node[0] == "paren" and len(node) == 5 and (node[1], node[2]) in (("(", "]"), ("[", ")"))


def same_region(a: Node, b: Node, scalar: ScalarTest) -> bool | None:
    """Return whether two regions are the same, None where one of them has no real ends that can be ordered."""
    left, right = _pieces(a), _pieces(b)
    if left is None or right is None:
        return None
    if len(left) != len(right):
        return False

    def end(x: Any, y: Any) -> bool:
        if isinstance(x, float) or isinstance(y, float):
            return x == y
        return scalar(x[1], y[1])

    return all(p[1:3] == q[1:3] and end(p[0], q[0]) and end(p[3], q[3]) for p, q in zip(left, right, strict=True))


#: (left end, left closed, right closed, right end); an end is (value, node) or ±inf as a float.
Piece = tuple[Any, bool, bool, Any]


def _key(end: Any) -> Any:
    return end if isinstance(end, float) else end[0]


def _end(node: Node) -> Any:
    if node == ("const", "inf"):
        return float("inf")
    if node in (("neg", ("const", "inf")), ("mul", ("neg", ("num", Fraction(1), None)), ("const", "inf"))):
        return float("-inf")
    evaluator = Evaluator()
    value = evaluator(node)
    if evaluator.mp.im(value) != 0:
        raise Undefined("complex end")
    return (evaluator.mp.re(value), node)


def _pieces(node: Node) -> list[Piece] | None:
    """Return a region as sorted, disjoint, merged pieces, or None where it has symbols or no real ends."""
    try:
        return _merge(_raw(node))
    except (Undefined, TooLarge):
        return None


def _raw(node: Node) -> list[Piece]:
    node = strip_name(node)
    if node == ("word", "field R"):
        return [(float("-inf"), False, False, float("inf"))]
    if node[0] == "paren" and len(node) == 5:
        left, right = _end(node[3]), _end(node[4])
        closed = (node[1] == "[" and not isinstance(left, float), node[2] == "]" and not isinstance(right, float))
        return [(left, closed[0], closed[1], right)]
    if node[0] in ("set", "num", "neg", "div"):
        return [(p, True, True, p) for p in map(_end, node[1:] if node[0] == "set" else (node,))]
    if node[0] == "seq":
        return [piece for part in node[1:] for piece in _raw(part)]
    if node[0] == "rel":
        region = as_interval(node)
        if region is not None:
            return _raw(region)
    if node[0] == "union":
        return _raw(node[1]) + _raw(node[2])
    if node[0] in ("minus", "inter"):
        other = _merge(_raw(node[2]))
        if node[0] == "minus":
            other = _complement(other)
        return [cut for p in _merge(_raw(node[1])) for q in other if (cut := _cut(p, q)) is not None]
    raise Undefined("not a region")


def _merge(pieces: list[Piece]) -> list[Piece]:
    pieces = sorted(pieces, key=lambda p: (_key(p[0]), not p[1]))
    merged: list[Piece] = []
    for piece in pieces:
        if merged:
            last = merged[-1]
            touch = _key(last[3]) == _key(piece[0]) and (last[2] or piece[1])
            if _key(piece[0]) < _key(last[3]) or touch:
                if _key(piece[3]) > _key(last[3]) or (_key(piece[3]) == _key(last[3]) and piece[2]):
                    merged[-1] = (last[0], last[1], piece[2], piece[3])
                continue
        merged.append(piece)
    return merged


def _complement(pieces: list[Piece]) -> list[Piece]:
    gaps: list[Piece] = []
    left: Any = float("-inf")
    closed = False
    for piece in pieces:
        if _key(left) < _key(piece[0]) or (_key(left) == _key(piece[0]) and closed and not piece[1]):
            gaps.append((left, closed, not piece[1] and not isinstance(piece[0], float), piece[0]))
        left, closed = piece[3], not piece[2]
    if _key(left) < float("inf"):
        gaps.append((left, closed, False, float("inf")))
    return gaps


def _cut(p: Piece, q: Piece) -> Piece | None:
    low = max((p[0], p[1]), (q[0], q[1]), key=lambda e: (_key(e[0]), not e[1]))
    high = min((p[3], p[2]), (q[3], q[2]), key=lambda e: (_key(e[0]), e[1]))
    if _key(low[0]) > _key(high[0]) or (_key(low[0]) == _key(high[0]) and not (low[1] and high[1])):
        return None
    return (low[0], low[1], high[1], high[0])
