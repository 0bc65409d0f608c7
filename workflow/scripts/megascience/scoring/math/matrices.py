"""Matrices and vectors: the rows that a matrix expression stands for."""

from fractions import Fraction

from megascience.scoring.math.tree import Node, product, total

#: A larger product than this is not an answer.
_MAX_CELLS = 400
Rows = list[tuple[Node, ...]]
#: The unit vectors of three axes, as the grammar names them.
_AXES = {f"e_hat{name}": place for place, names in enumerate(("ix", "jy", "kz")) for name in names}


def vector_of(node: Node, size: int) -> list[Node] | None:
    """Return the components of a sum of unit vectors (3i - 2j), None for anything else or a third one in a plane."""
    parts: list[list[Node]] = [[] for _ in range(3)]
    for term in node[1:] if node[0] == "add" else (node,):
        negative = term[0] == "neg"
        inner = term[1] if negative else term
        factors = inner[1:] if inner[0] == "mul" else (inner,)
        axes = [factor for factor in factors if factor[0] == "sym" and factor[1] in _AXES]
        if len(axes) != 1:
            return None
        rest = [factor for factor in factors if factor is not axes[0]]
        value = product(*rest) if len(rest) > 1 else rest[0] if rest else ("num", Fraction(1), None)
        parts[_AXES[axes[0][1]]].append(("neg", value) if negative else value)
    found = [total(part) if part else ("num", Fraction(0), None) for part in parts]
    return None if size not in (2, 3) or (size == 2 and parts[2]) else found[:size]


def nested(node: Node) -> bool:
    """Return whether a node is a matrix in nested brackets, [[1, 2], [3, 4]]."""
    return node[0] == "paren" and len(node) > 3 and node[1] == "[" and all(p[0] == "paren" for p in node[3:])


def is_matrix(node: Node) -> bool:
    """Return whether a node is a matrix, or sums, products, multiples or powers of some."""
    return node[0] == "matrix" or (node[0] in ("neg", "mul", "div", "pow", "add") and any(map(is_matrix, node[1:])))


def rows_of(node: Node) -> Rows | None:
    """Return the rows of a matrix expression, None where it has none (or unequal shapes)."""
    if node[0] == "matrix":
        return list(node[1:])
    if node[0] == "neg":
        inner = rows_of(node[1])
        return None if inner is None else [tuple(("neg", cell) for cell in row) for row in inner]
    if node[0] == "div" and is_matrix(node[1]) and not is_matrix(node[2]):
        inner = rows_of(node[1])
        return None if inner is None else [tuple(("div", cell, node[2]) for cell in row) for row in inner]
    if node[0] == "mul":
        return _product(node)
    if node[0] == "add":
        return _sum([rows_of(part) for part in node[1:]])
    if node[0] == "pow":
        return _power(node)
    if nested(node):
        return [part[3:] for part in node[3:]]
    if node[0] == "paren":  # a vector written as a tuple: a column
        return [(part,) for part in node[3:]]
    return None


def _product(node: Node) -> Rows | None:
    result: Rows | None = None
    factors = []
    for part in node[1:]:
        if not is_matrix(part):
            factors.append(part)
            continue
        right = rows_of(part)
        result = right if result is None or right is None else _times(result, right)
        if result is None:
            return None
    if result is None or not factors:
        return result
    return [tuple(product(*factors, cell) for cell in row) for row in result]


def _times(left: Rows, right: Rows) -> Rows | None:
    if len(left[0]) != len(right) or len(left) * len(right[0]) * len(right) > _MAX_CELLS:
        return None
    columns = list(zip(*right, strict=True))
    return [
        tuple(total([product(a, b) for a, b in zip(row, column, strict=True)]) for column in columns) for row in left
    ]


def _sum(parts: list[Rows | None]) -> Rows | None:
    shapes = {tuple(map(len, rows)) if rows else () for rows in parts}
    if None in parts or len(shapes) != 1:
        return None
    known = [rows for rows in parts if rows is not None]
    return [tuple(total(list(cells)) for cells in zip(*rows, strict=True)) for rows in zip(*known, strict=True)]


def _power(node: Node) -> Rows | None:
    inner = rows_of(node[1])
    if inner is None:
        return None
    if node[2] in (("sym", "T"), ("word", "T"), ("sym", "\\top")):
        return [tuple(column) for column in zip(*inner, strict=True)]
    if node[2][0] != "num" or node[2][1] not in (Fraction(2), Fraction(3), Fraction(4)):
        return None
    result: Rows | None = inner
    for _ in range(int(node[2][1]) - 1):
        result = None if result is None else _times(result, inner)
    return result
