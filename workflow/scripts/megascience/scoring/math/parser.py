"""Parser of answers in LaTeX or plain mathematics: text in, a tree of tuples out (`tree`); nothing is evaluated."""

from fractions import Fraction
from functools import lru_cache

from megascience.scoring.math.atoms import DECORATIONS, Atoms
from megascience.scoring.math.spelling import FUNCTIONS, GREEK, clean, join_thousands
from megascience.scoring.math.tree import (
    MAX_DEPTH,
    MAX_LENGTH,
    Node,
    ParseError,
    TooComplex,
    is_fraction,
    is_integer,
    names_of,
    product,
    total,
)

#: Commands that a factor may begin with, besides functions, Greek letters and decorated names.
_OPENING = frozenset("frac sqrt binom dbinom pi infty emptyset { lfloor lceil | imath ldots sum prod int lim".split())
_INEQUALITIES = {"<", ">", "<=", ">=", "!="}


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """Return the tree of an answer.

    Raises:
        ParseError: the text is not mathematics that this grammar knows, or too long or too deep for an answer.
    """
    if len(text) > MAX_LENGTH:
        raise TooComplex("too long")
    source = join_thousands(clean(text))
    if len(source) > 2 * MAX_LENGTH:
        raise TooComplex("too long")
    return _Parser(source).whole()


class _Parser(Atoms):
    """Recursive descent over the tokens of one answer: lists, relations, sums and products."""

    def whole(self) -> Node:
        if not self.tokens:
            raise ParseError("empty")
        node = self.sequence()
        if self.peek()[0] != "end":
            raise ParseError(f"unexpected {self.peek()[1]!r}")
        return node

    def separator(self) -> bool:
        kind, value, _ = self.peek()
        if kind == "op" and value in ",;":
            self.at += 1
            kind, value, _ = self.peek()
            if kind in ("text", "name") and value.strip(" ,").lower() in ("and", "or"):
                self.at += 1
            return True
        if (kind in ("text", "name") and value.strip(" ,.").lower() in ("and", "or")) or (
            kind == "cmd" and value in ("\\lor", "\\vee", "\\land", "\\wedge")
        ):
            self.at += 1
            return True
        return False

    def sequence(self, stop: tuple[str, ...] = ()) -> Node:
        items = [self.relation()]
        either = False
        while True:
            start = self.at
            if not self.separator():
                break
            either |= any(
                value.strip(" ,.").lower() in ("or", "\\lor", "\\vee") for _, value, _ in self.tokens[start : self.at]
            )
            if self.peek()[0] == "end" or (stop and self.is_op(*stop)):
                break
            items.append(self.relation())
        if len(items) == 1:
            return items[0]
        if all(item[0] == "rel" and set(item[1]) <= _INEQUALITIES for item in items):
            if len(names_of(("seq", *items))) == 1:  # 1 < x < 3, x \ne 2: one region of x
                node = items[0]
                for item in items[1:]:
                    node = ("union" if either else "inter", node, item)
                return node
        return ("seq", *items)

    _RELATIONS = {"=": "=", "<": "<", ">": ">", "\\le": "<=", "\\ge": ">=", "\\ne": "!=", "\\in": "in", "\\sim": "~",
                  "\\to": "to", "\\rightarrow": "to", "\\mapsto": "to", "\\propto": "prop", "\\colon": ":",
                  "\\subset": "sub", "\\subseteq": "sub", "\\notin": "notin", "\\perp": "perp",
                  "\\parallel": "par", "\\pmod": "mod", "\\bmod": "mod", "\\mod": "mod"}  # fmt: skip

    def relation(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooComplex("too deep")
        sides, ops = [self.ratio()], []
        while True:
            kind, value, _ = self.peek()
            if kind in ("op", "cmd") and value in self._RELATIONS:
                self.at += 1
                ops.append(self._RELATIONS[value])
            elif kind == "op" and value == ":" and self.peek(1)[0] != "end" and not ops:
                self.at += 1
                ops.append(":")
            else:
                break
            if ops[-1] == "=" and self.is_op("="):
                raise ParseError("a side is missing")
            sides.append(self.ratio())
        self.depth -= 1
        return ("rel", tuple(ops), tuple(sides)) if ops else sides[0]

    def ratio(self) -> Node:
        """A side of a relation; a ratio of numbers (3:4) or of names that are given a value (V_1:V_2 = 11:21)."""
        node = self.sets()
        if not (self.is_op(":") and node[0] in ("num", "sym") and self.peek(1)[0] != "end"):
            return node
        start = self.at
        self.at += 1
        right = self.sets()
        if node[0] == "num" and right[0] in ("num", "unit"):
            bottom, words = (right[1], right[2]) if right[0] == "unit" else (right, "")
            return ("unit", ("div", node, bottom), words) if words else ("div", node, bottom)
        if right[0] == "sym" and self.is_op("="):
            return ("div", node, right)
        self.at = start
        return node

    def sets(self) -> Node:
        node = self.sum()
        while True:
            if self.take("\\cup"):
                node = ("union", node, self.sum())
            elif self.take("\\cap"):
                node = ("inter", node, self.sum())
            elif self.take("\\setminus") or self.take("\\backslash"):
                node = ("minus", node, self.sum())
            elif self.peek()[:2] == ("name", "U") and node[0] == "paren" and self.peek(1)[1] in "([{\\{":
                self.at += 1
                node = ("union", node, self.sum())
            else:
                return node

    def sum(self) -> Node:
        terms: list[Node] = []
        if self.is_op("\\pm", "\\mp"):
            kind = self.peek()[1][1:]
            self.at += 1
            node: Node = (kind, ("num", Fraction(0), None), self.product())
        else:
            node = self.product()
        terms.append(node)
        while True:
            if self.take("+"):
                if self.is_op("/") and self.peek(1)[1] == "-":  # +/-
                    self.at += 2
                    terms = [("pm", total(terms), self.product())]
                elif self.is_op("-") and not self.peek()[2]:  # +-
                    self.at += 1
                    terms = [("pm", total(terms), self.product())]
                else:
                    terms.append(self.product())
            elif self.take("-"):
                terms.append(("neg", self.product()))
            elif self.take("\\pm"):
                terms = [("pm", total(terms), self.product())]
            elif self.take("\\mp"):
                terms = [("mp", total(terms), self.product())]
            else:
                return total(terms)

    def product(self) -> Node:
        node = self.unary()
        while True:
            if self.take("*"):
                node = product(node, self.unary())
            elif self.take("\\cross"):
                right = self.unary()
                numbers = not names_of(node) or not names_of(right)
                node = product(node, right) if numbers else ("call", "cross", node, right)
            elif self.take("/"):
                letters = self.peek()[0] == "name"
                below = self.unary()
                while letters and self.peek()[0] == "name" and not self.peek()[2] and self.starts_atom():
                    below = product(below, self.power())  # t/RC is t/(RC)
                node = ("div", node, below)
            elif self.is_op("\\bmod", "\\pmod"):
                return node
            elif self.starts_atom():
                previous = self.tokens[self.at - 1]
                kind, value, _ = self.peek()
                if kind == "num" and previous[0] == "num":
                    raise ParseError("two numbers side by side")
                right = self.power()
                mixed = previous[0] == "num" and kind == "cmd" and is_fraction(right)
                if mixed and is_integer(node):
                    node = ("add", node, right)  # a mixed number
                elif mixed and node[0] == "neg" and is_integer(node[1]):
                    node = ("neg", ("add", node[1], right))
                elif right[0] == "word":
                    node = ("unit", node[1], f"{node[2]} {right[1]}") if node[0] == "unit" else ("unit", node, right[1])
                elif right[0] == "pow" and right[1][0] == "word":  # 864 \text{ inches}^2
                    power = right[2][1] if right[2][0] == "num" else ""
                    node = ("unit", node, f"{right[1][1]}^{power}")
                else:
                    node = product(node, right)
            else:
                return node

    def starts_atom(self) -> bool:
        kind, value, _ = self.peek()
        if kind == "name":
            return value not in ("or", "and") and not (value == "U" and self.peek(1)[1] in ("(", "[", "\\{"))
        if kind == "text":
            return value.strip(" ,.").lower() not in ("and", "or")
        if kind in ("num", "bb"):
            return True
        if kind == "env":
            return value.startswith("\\begin")
        if kind == "op":
            return value in "({[" or (value == "|" and not self.bars)
        if kind == "cmd":
            name = value[1:]
            return name in _OPENING or name in FUNCTIONS - {"deg"} or name in GREEK or name in DECORATIONS
        return False

    def unary(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooComplex("too deep")
        try:
            if self.take("-"):
                return ("neg", self.unary())
            if self.take("+"):
                return self.unary()
            return self.power()
        finally:
            self.depth -= 1

    def power(self) -> Node:
        node = self.postfix(self.atom())
        if self.take("^"):
            if self.is_op("'"):
                raise ParseError("prime")
            node = ("pow", node, self.exponent())
            if self.is_op("_") and node[1][0] == "sym":  # x^2_1
                self.at += 1
                node = ("pow", ("sym", f"{node[1][1]}_{self.subscript()}"), node[2])
            node = self.postfix(node)
        return node
