"""Equality of parsed answers: the same verdict in both directions.

Two expressions are equal when they take the same values: rationals exactly, constants to 40 digits, expressions
with symbols at several points (the chance that two different expressions agree at all of them is nil for what
answers look like). This needs no simplification, so it is fast and its time is bounded.
"""

from collections.abc import Callable, Sequence
from typing import Any

from megascience.scoring.budget import spend
from megascience.scoring.math.evaluation import Evaluator, TooLarge, Undefined
from megascience.scoring.math.matrices import is_matrix, nested, rows_of, vector_of
from megascience.scoring.math.polynomials import same_solutions
from megascience.scoring.math.regions import FLIP, ScalarTest, as_interval, is_name, is_region, same_region, strip_name
from megascience.scoring.math.tree import Node
from megascience.scoring.math.tree import names_of as symbols
from megascience.scoring.math.units import NONE, read_unit
from megascience.scoring.math.values import POINTS, Undecided, agree, points_for

_MAX_SET = 200


def expand(node: Node) -> list[Node]:
    """Return the alternatives that ± stands for (upper signs, then lower ones), or the node alone."""
    if not _has(node, ("pm", "mp")):
        return [node]
    return [_resolve(node, True), _resolve(node, False)]


def _has(node: Node, kinds: tuple[str, ...]) -> bool:
    return node[0] in kinds or any(
        _has(part, kinds) if isinstance(part[0], str) else any(_has(p, kinds) for p in part if isinstance(p, tuple))
        for part in node[1:]
        if isinstance(part, tuple) and part
    )


def _resolve(node: Node, upper: bool) -> Node:
    if node[0] in ("pm", "mp"):
        plus = upper if node[0] == "pm" else not upper
        right = _resolve(node[2], upper)
        left = _resolve(node[1], upper)
        return ("add", left, right if plus else ("neg", right))
    return tuple(
        _resolve(part, upper) if isinstance(part, tuple) and part and isinstance(part[0], str) else part
        for part in node
    )


def items_of(node: Node) -> list[Node]:
    """Return the members that a list, a set or a ± expression stands for."""
    parts = node[1:] if node[0] in ("seq", "set") else (node,)
    found: list[Node] = []
    for part in parts:
        part = strip_name(part)
        if part[0] == "seq":
            found.extend(items_of(part))
        else:
            found.extend(expand(part))
    return found


def _match(left: Sequence[Node], right: Sequence[Node], test: Callable[[Node, Node], bool]) -> bool:
    """Return whether the items can be paired one to one, each pair passing the test."""
    if len(left) != len(right) or len(left) > _MAX_SET:
        return False
    rest = list(right)
    for item in left:
        for position, other in enumerate(rest):
            if test(item, other):
                del rest[position]
                break
        else:
            return False
    return True


def _unique(items: Sequence[Node], test: Callable[[Node, Node], bool]) -> list[Node]:
    found: list[Node] = []
    for item in items[:_MAX_SET]:
        if not any(test(item, other) for other in found):
            found.append(item)
    return found


def same(a: Node, b: Node, scalar: ScalarTest) -> bool:
    """Return whether two parsed answers are equal; `scalar` decides for two scalars.

    Raises:
        Undecided: a scalar comparison could not be decided.
    """
    spend(2)
    if a == b:
        return True
    if a[0] == b[0] == "unit" and _other_unit(a[2], b[2]):
        return False
    a, b = _drop_unit(a), _drop_unit(b)
    members = [node[0] == "rel" and node[1] == ("in",) for node in (a, b)]
    if members[0] != members[1]:  # x in [1, 2] beside 1 <= x <= 2
        a, b = (strip_name(a), b) if members[0] else (a, strip_name(b))
    relations = (a[0] == "rel") + (b[0] == "rel")
    if relations == 2:
        return _same_relation(a, b, scalar)
    if relations == 1:
        relation, other = (a, b) if a[0] == "rel" else (b, a)
        stripped = strip_name(relation)
        if stripped is not relation:
            return same(stripped, other, scalar)
        if set(relation[1]) == {"="} and not is_name(relation[2][0]):  # 2 + 3 = 5: a chain of equal values
            return all(same(side, other, scalar) for side in relation[2])
        region = as_interval(relation)
        return region is not None and same(region, other, scalar)
    if a[0] in ("union", "inter", "minus") or b[0] in ("union", "inter", "minus") or is_region(a) or is_region(b):
        found = same_region(a, b, scalar)
        if found is not None:
            return found
        return a[0] == b[0] and len(a) == len(b) and _match(a[1:], b[1:], lambda x, y: same(x, y, scalar))
    if is_matrix(a) or is_matrix(b) or nested(a) or nested(b):
        return _same_matrix(a, b, scalar)
    if a[0] == "paren" or b[0] == "paren":
        return _same_bracket(a, b, scalar)
    if a[0] in ("seq", "set") or b[0] in ("seq", "set") or _has(a, ("pm", "mp")) or _has(b, ("pm", "mp")):
        return _same_collection(a, b, scalar)
    if a[0] == "word" or b[0] == "word":
        return a[0] == b[0] and a[1].casefold() == b[1].casefold()
    if a[0] == "base" or b[0] == "base":
        if a[0] == b[0]:
            return a[2] == b[2] and a[1] == b[1]
        based, other = (a, b) if a[0] == "base" else (b, a)
        return based[1] == other
    return scalar(a, b)


def _other_unit(a: str, b: str) -> bool:
    """Return whether the words behind two numbers are known units that differ, or morning and afternoon."""
    halves = {word.replace(".", "").strip().lower() for word in (a, b)}
    if halves == {"am", "pm"}:
        return True
    left, right = read_unit(a), read_unit(b)
    if left is None or right is None or left is NONE or right is NONE:
        return False
    return left != right


def _drop_unit(node: Node) -> Node:
    while node[0] == "unit":
        node = node[1]
    return node


def _same_collection(a: Node, b: Node, scalar: ScalarTest) -> bool:
    def test(x: Node, y: Node) -> bool:
        return same(x, y, scalar)

    named_a, named_b = _named(a), _named(b)
    if named_a and named_b:
        return named_a.keys() == named_b.keys() and all(test(named_a[name], named_b[name]) for name in named_a)
    if named_a or named_b:  # 1, 2 beside x = 1, y = 2: values without their names stand in the names' order
        other = b if named_a else a
        listed = list((named_a or named_b or {}).values())
        if other[0] != "seq":
            return False
        return len(listed) == len(other) - 1 and all(map(test, listed, [strip_name(part) for part in other[1:]]))
    left, right = items_of(a), items_of(b)
    points = all(item[0] == "paren" for item in (*left, *right))  # solutions: each counts once
    if points or a[0] == "set" or b[0] == "set" or 1 in (len(left), len(right)):  # `1024 or 2^{10}` is one value
        left, right = _unique(left, test), _unique(right, test)
    return _match(left, right, test)


def _named(node: Node) -> dict[Node, Node] | None:
    """Return the assignments of a list such as `x = 1, y = 2` where each name stands once, else None."""
    if node[0] != "seq" or len(node) < 3:
        return None
    found: dict[Node, Node] = {}
    for part in node[1:]:
        if part[0] != "rel" or part[1] != ("=",) or part[2][0][0] not in ("sym", "call") or part[2][0] in found:
            return None
        found[part[2][0]] = part[2][1]
    return found


def _same_bracket(a: Node, b: Node, scalar: ScalarTest) -> bool:
    if a[0] == "paren" and b[0] == "paren":
        if a[1:3] != b[1:3] or len(a) != len(b):
            return False
        return all(same(strip_name(x), strip_name(y), scalar) for x, y in zip(a[3:], b[3:], strict=True))
    bracket, other = (a, b) if a[0] == "paren" else (b, a)
    components = vector_of(other, len(bracket) - 3)
    if components is not None:
        return all(same(x, y, scalar) for x, y in zip(bracket[3:], components, strict=True))
    if other[0] != "seq" or bracket[1:3] != ("(", ")"):
        return False
    named = _named(other)
    items = list(named.values()) if named else [strip_name(part) for part in other[1:]]
    if named and all(name[0] == "sym" for name in named):  # y = 3, x = 2 is the point (2, 3)
        items = [named[name] for name in sorted(named, key=lambda node: node[1])]
    return len(items) == len(bracket) - 3 and all(same(x, y, scalar) for x, y in zip(bracket[3:], items, strict=True))


def _same_matrix(a: Node, b: Node, scalar: ScalarTest) -> bool:
    left, right = rows_of(a), rows_of(b)
    if left is None or right is None or len(left) != len(right):
        return False
    return all(
        len(x) == len(y) and all(same(p, q, scalar) for p, q in zip(x, y, strict=True))
        for x, y in zip(left, right, strict=True)
    )


def _same_relation(a: Node, b: Node, scalar: ScalarTest) -> bool:
    if set(a[1]) == {"="} and set(b[1]) == {"="}:
        if len(a[2]) == 2 and len(b[2]) == 2:
            return _same_equation(a, b, scalar)
        return (
            strip_name(a) is not a
            and strip_name(b) is not b
            and a[2][0] == b[2][0]
            and same(a[2][-1], b[2][-1], scalar)
        )
    if a[1] == b[1] and len(a[2]) == len(b[2]):
        if all(_sides_same(x, y, scalar) for x, y in zip(a[2], b[2], strict=True)):
            return True
    flipped = tuple(FLIP.get(op, op + "?") for op in reversed(b[1]))
    if a[1] == flipped and all(_sides_same(x, y, scalar) for x, y in zip(a[2], tuple(reversed(b[2])), strict=True)):
        return True
    names = {side for node in (a, b) for part in node[2] for side in symbols(part)}
    region_a, region_b = as_interval(a), as_interval(b)
    if region_a is not None and region_b is not None:
        return len(names) == 1 and bool(same_region(region_a, region_b, scalar))
    if len(a[2]) == len(b[2]) == 2 and a[1][0] in FLIP and b[1][0] in FLIP:
        ratio = _ratio(a, b)
        if ratio is None:
            return False
        return a[1][0] == (b[1][0] if ratio > 0 else FLIP[b[1][0]])
    if a[1] == b[1] == ("in",):
        return same(a[2][0], b[2][0], scalar) and same(a[2][1], b[2][1], scalar)
    return False


def _sides_same(x: Node, y: Node, scalar: ScalarTest) -> bool:
    try:
        return same(x, y, scalar)
    except Undecided:
        return False


def _difference(node: Node) -> Node:
    return ("add", node[2][0], ("neg", node[2][1]))


def _ratio(a: Node, b: Node) -> Any:
    """Return the constant factor between two relations' differences of sides, or None."""
    first, second = _difference(a), _difference(b)
    names = sorted(symbols(first) | symbols(second))
    ratio = None
    for point in points_for(names, POINTS + 2, negative=True):
        try:
            one, two = Evaluator(point), Evaluator(point)
            x, y = one(first), two(second)
        except (Undefined, TooLarge):
            continue
        if agree(x, one.mp.zero, one.magnitude) or agree(y, one.mp.zero, two.magnitude):
            return None
        if ratio is None:
            ratio = x / y
        elif not agree(ratio, x / y, abs(ratio)):
            return None
    return None if ratio is None or Evaluator().mp.im(ratio) != 0 else Evaluator().mp.re(ratio)


def _same_equation(a: Node, b: Node, scalar: ScalarTest) -> bool:
    """Return whether two equations have the same solutions: the same sides, a constant factor, or the same roots."""
    if is_name(a[2][0]) and is_name(b[2][0]) and a[2][0] == b[2][0]:
        if same(a[2][1], b[2][1], scalar):
            return True
    for right in (b[2], tuple(reversed(b[2]))):
        if all(_sides_same(x, y, scalar) for x, y in zip(a[2], right, strict=True)):
            return True
    if any(part[0] in ("seq", "set", "paren", "matrix", "word", "rel", "pm") for part in (*a[2], *b[2])):
        return False
    if symbols(_difference(a)) != symbols(_difference(b)):
        return False
    if _ratio(a, b) is not None:
        return True
    found = same_solutions(_difference(a), _difference(b))
    return found if found is not None else _roots_within(a, b) and _roots_within(b, a)


def _roots_within(a: Node, b: Node) -> bool:
    """Return whether every root of `a` that is found solves `b` as well; False where too few are found.

    This is for equations that are not polynomials (ln y = x beside y = e^x), whose roots have to be searched for.
    """
    first, second = _difference(a), _difference(b)
    names = sorted(symbols(first))
    mp = Evaluator().mp
    found = 0
    for solve_for in names:
        for point in points_for(names, 2, negative=True):
            for start in (mp.mpf("0.7"), mp.mpf("9.1"), mp.mpf("-31"), mp.mpf("230"), mp.mpc("-1.3", "0.4")):
                root = _newton(first, point, solve_for, start)
                if root is None:
                    continue
                at = {**point, solve_for: root}
                try:
                    evaluator = Evaluator(at)
                    value = evaluator(second)
                except (Undefined, TooLarge):
                    return False
                if abs(value) > max(evaluator.magnitude, 1) * mp.mpf(10) ** -20:
                    return False
                found += 1
    return found >= 3


def _newton(node: Node, point: dict[str, Any], name: str, start: Any) -> Any:
    """Return a root of the node in one symbol from a starting value by the secant method, or None."""
    mp = Evaluator().mp

    def value(x: Any) -> Any:
        return Evaluator({**point, name: x})(node)

    try:
        x0, x1 = start, start + mp.mpf("0.01")
        f0, f1 = value(x0), value(x1)
        for _ in range(40):
            if f1 == f0:
                return None
            x0, x1, f0 = x1, x1 - f1 * (x1 - x0) / (f1 - f0), f1
            f1 = value(x1)
            if abs(f1) < mp.mpf(10) ** -35:
                return x1
    except (Undefined, TooLarge):
        return None
    return None
