"""What an answer's sums and products are made of: numbers, names, brackets, functions, matrices."""

import re
from fractions import Fraction

from megascience.scoring.math.spelling import FUNCTIONS, GREEK
from megascience.scoring.math.tokens import Tokens
from megascience.scoring.math.tree import Node, ParseError, fraction, names_of, number, product

#: Functions that plain text writes without a space before their argument: sinx, lnx.
_GLUED = ("arcsin", "arccos", "arctan", "sqrt", "sin", "cos", "tan", "exp", "log", "ln")
_BASES = {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
          "ten": "10", "twelve": "12", "sixteen": "16"}  # fmt: skip


#: Marks over a name that make it another name: a mean, an estimate, a rate.
DECORATIONS = {"bar": "bar", "overline": "bar", "hat": "hat", "widehat": "hat", "tilde": "tilde", "widetilde": "tilde",
               "dot": "dot", "ddot": "ddot", "check": "check", "breve": "breve", "underline": "under"}  # fmt: skip


class Atoms(Tokens):
    """The parser's lower half; the upper half gives it sequences, sums and powers (`grammar`)."""

    def sequence(self, stop: tuple[str, ...] = ()) -> Node:
        raise NotImplementedError

    def sum(self) -> Node:
        raise NotImplementedError

    def unary(self) -> Node:
        raise NotImplementedError

    def power(self) -> Node:
        raise NotImplementedError

    def starts_atom(self) -> bool:
        raise NotImplementedError

    def exponent(self) -> Node:
        if self.take("{"):
            inner = self.sequence()
            self.expect("}")
            return inner
        if self.take("-"):
            return ("neg", self.exponent())
        if self.take("+"):
            return self.exponent()
        node = self.atom(one=True)
        if self.take("^"):
            return ("pow", node, self.exponent())
        return node

    def postfix(self, node: Node) -> Node:
        while True:
            if self.take("!"):
                node = ("fn", "factorial", node)
            elif self.take("%") or self.take("\\%"):
                node = ("pct", node)
            elif self.take("\\deg"):
                node = ("deg", node)
            elif self.is_op("'"):
                self.at += 1
                if node[0] != "sym":
                    raise ParseError("prime")
                node = ("sym", node[1] + "'")
            elif self.is_op("_") and node[0] == "num":
                self.at += 1
                base = self.subscript()
                node = ("base", node, _BASES.get(base, base))
            else:
                return node

    def subscript(self) -> str:
        if self.take("{"):
            parts: list[str] = []
            depth = 1
            while depth:
                kind, value, _ = self.peek()
                if kind == "end":
                    raise ParseError("unclosed subscript")
                depth += (value == "{") - (value == "}")
                if depth:
                    parts.append(value.lstrip("\\"))  # \max, \text{max} and max are one name
                self.at += 1
            return "".join(parts)
        kind, value, _ = self.peek()
        if kind not in ("num", "name", "text", "cmd"):
            raise ParseError("empty subscript")
        if kind == "name" and len(value) > 1:  # x_ab is x_a b in LaTeX, but x_max in plain text
            self.at += 1
            return value
        self.at += 1
        return value.lstrip("\\")

    def group(self) -> Node:
        """A LaTeX argument: {…} or one token."""
        if self.take("{"):
            node = self.sequence()
            self.expect("}")
            return node
        return self.atom(one=True)

    def atom(self, one: bool = False) -> Node:
        kind, value, _ = self.peek()
        self.at += 1
        if kind == "num":
            if one and len(value) > 1 and self.tokens[self.at - 2][1] != "^" and "." not in value:
                self.tokens[self.at - 1] = ("num", value[1:], False)  # \frac12: one digit is the argument
                self.at -= 1
                value = value[0]
            return number(value)
        if kind == "name":
            return self.named(value, one)
        if kind == "text":
            letter = re.fullmatch(r"\(?\s*([A-Za-z])\s*\)?", value)
            if letter:
                return ("sym", letter[1])
            return ("word", value) if value else self.atom(one)
        if kind == "bb":
            return ("word", "field " + value)
        if kind == "env":
            return self.matrix(value)
        if kind == "cmd":
            return self.command(value[1:])
        if kind == "op":
            if value == "(" or value == "[":
                return self.bracket(value)
            if value == "{":
                if self.take("}"):
                    return ("word", "")
                node = self.sequence(("}",))
                self.expect("}")
                if node[0] == "seq":
                    return ("set", *node[1:])
                return node
            if value == "|" and not self.bars:
                self.bars += 1
                node = self.sum()
                self.bars -= 1
                self.expect("|")
                return ("fn", "abs", node)
        raise ParseError(f"unexpected {value!r}")

    def bracket(self, opening: str) -> Node:
        bars, self.bars = self.bars, 0
        if self.is_op(")", "]"):
            close = self.peek()[1]
            self.at += 1
            return ("paren", opening, close)
        node = self.sequence((")", "]"))
        close = self.peek()[1]
        if not (self.take(")") or self.take("]")):
            raise ParseError("unclosed bracket")
        self.bars = bars
        if node[0] == "seq":
            return ("paren", opening, close, *node[1:])
        if opening == "(" and close == ")":
            return node
        if opening == "[" and close == "]":
            return ("paren", "[", "]", node) if node[0] == "paren" else node
        raise ParseError("a bracket with one item")

    def matrix(self, opening: str) -> Node:
        name = re.sub(r"\\begin\s*\{|\}.*", "", opening)
        if not opening.startswith("\\begin"):
            raise ParseError("\\end without \\begin")
        rows: list[list[Node]] = [[]]
        while True:
            kind, value, _ = self.peek()
            if kind == "env" and value.startswith("\\end"):
                self.at += 1
                break
            if kind == "end":
                raise ParseError("unclosed environment")
            if kind == "cmd" and value == "\\\\":
                self.at += 1
                rows.append([])
            elif kind == "op" and value == "&":
                self.at += 1
            elif kind == "op" and value == "," and name in ("cases", "aligned"):
                self.at += 1
            else:
                rows[-1].append(self.sequence())
        rows = [row for row in rows if row]
        if not rows:
            raise ParseError("empty matrix")
        if name in ("cases", "aligned", "align", "align*", "gathered", "split"):
            flat = [cell for row in rows for cell in row]
            return ("seq", *flat) if len(flat) > 1 else flat[0]
        if len({len(row) for row in rows}) > 1:
            raise ParseError("a matrix with unequal rows")
        node: Node = ("matrix", *(tuple(row) for row in rows))
        return ("fn", "det", node) if name == "vmatrix" else node

    def command(self, name: str) -> Node:
        if name == "frac":
            node = fraction(self.group(), self.group())
            return ("diff", node[1], node[2], self.factors()) if node[0] == "d/dx" else node
        if name in DECORATIONS:
            inner = self.group()
            if inner[0] not in ("sym", "const") or inner == ("const", "inf"):
                raise ParseError(f"\\{name} of more than a name")
            return self.symbol(f"{DECORATIONS[name]} {inner[1]}")
        if name in ("sum", "prod"):
            return self.series(name)
        if name == "int":
            return self.integral()
        if name == "lim":
            return self.limit()
        if name in ("binom", "dbinom", "tbinom"):
            return ("fn", "binom", self.group(), self.group())
        if name == "sqrt":
            index: Node | None = None
            if self.take("["):
                index = self.sum()
                self.expect("]")
            inner = self.group() if self.is_op("{") else self.atom(one=not self.is_op("("))
            if index is None:
                return ("fn", "sqrt", inner)
            return ("pow", inner, ("div", ("num", Fraction(1), None), index))
        if name == "pi":
            return ("const", "pi")
        if name == "infty":
            return ("const", "inf")
        if name == "imath":
            return ("const", "i")
        if name == "emptyset":
            return ("set",)
        if name == "ldots":
            return ("word", "...")
        if name == "{":
            described = self.set_builder()
            if described is not None:
                return described
            items = [] if self.is_op("\\}") else [self.sequence(("\\}",))]
            if self.is_op("|", ":", "\\|"):
                raise ParseError("set-builder")
            self.expect("\\}")
            if items and items[0][0] == "seq":
                items = list(items[0][1:])
            return ("set", *items)
        if name in ("lfloor", "lceil"):
            node = self.sum()
            self.expect("\\rfloor" if name == "lfloor" else "\\rceil")
            return ("fn", "floor" if name == "lfloor" else "ceil", node)
        if name in FUNCTIONS and name != "deg":
            return self.function(name)
        if name in GREEK:
            return self.symbol(name)
        raise ParseError(f"unknown command \\{name}")

    def factors(self) -> Node:
        """The product that a sum, a limit or a derivative is taken of; it ends at the next + or -."""
        factors = [self.unary()]
        while self.take("*") or self.starts_atom():
            factors.append(self.power())
            while self.take("/"):
                factors[-1] = ("div", factors[-1], self.unary())
        return product(*factors) if len(factors) > 1 else factors[0]

    def bounds(self) -> tuple[list[Node], Node | None]:
        """What stands below (as one relation's parts) and above a sum or an integral."""
        low: Node | None = None
        high: Node | None = None
        for _ in range(2):
            if self.take("_"):
                low = self.group_relation()
            elif self.take("^"):
                high = self.exponent()
        if low is None:
            raise ParseError("no lower bound")
        return [low], high

    def group_relation(self) -> Node:
        if self.take("{"):
            node = self.sequence()
            self.expect("}")
            return node
        return self.atom(one=True)

    def series(self, name: str) -> Node:
        (low,), high = self.bounds()
        if low[0] != "rel" or low[1] != ("=",) or high is None:
            raise ParseError("a sum without bounds")
        index = low[2][0]
        if index[0] not in ("sym", "const"):
            raise ParseError("a sum over no name")
        return ("big", name, index[1], low[2][1], high, _as_symbol(self.factors(), index[1]))

    def integral(self) -> Node:
        (low,), high = self.bounds()
        if high is None:
            raise ParseError("an integral without bounds")
        start, depth, inside = self.at, 0, 0
        for place in range(start, len(self.tokens)):
            kind, value, _ = self.tokens[place]
            depth += (value in ("(", "[", "{", "\\{")) - (value in (")", "]", "}", "\\}"))
            inside += value == "\\int"
            found = re.fullmatch(r"([a-zA-Z]*)d([a-zA-Z])", value) if kind == "name" and not depth else None
            if found is None:
                continue
            if inside:  # the end of an integral inside
                inside -= 1
                continue
            body = self.tokens[start:place] + ([("name", found[1], False)] if found[1] else [])
            rest = self.tokens[place + 1 :]
            inner = type(self).__new__(type(self))
            inner.tokens, inner.at, inner.depth, inner.bars = body, 0, self.depth + 1, 0
            node: Node = inner.sum() if body else ("num", Fraction(1), None)
            if inner.at < len(inner.tokens):
                raise ParseError("more than an integrand")
            self.tokens, self.at = rest, 0
            return ("big", "int", found[2], low, high, node)
        raise ParseError("an integral without its d")

    def limit(self) -> Node:
        if not self.take("_"):
            raise ParseError("a limit of what")
        node = self.group_relation()
        if node[0] != "rel" or node[1] != ("to",) or node[2][0][0] != "sym":
            raise ParseError("a limit of what")
        to, side = node[2][1], 0
        if to[0] == "pow" and to[2][0] in ("word", "sym"):
            raise ParseError("a limit from one side")
        return ("lim", node[2][0][1], to, side, self.factors())

    def set_builder(self) -> Node | None:
        """Return the condition of a set {x | condition} of real numbers, None (and go nowhere) for any other set."""
        start = self.at
        if self.peek()[0] == "name" and len(self.peek()[1]) == 1:
            name = self.peek()[1]
            self.at += 1
            if self.take("\\in"):
                self.at += self.peek()[:2] == ("bb", "R")
            if self.take("|") or self.take(":"):
                node = self.sequence(("\\}",))
                if self.take("\\}") and node[0] in ("rel", "inter", "union") and names_of(node) == {name}:
                    return node
        self.at = start
        return None

    def symbol(self, name: str) -> Node:
        if self.is_op("_"):
            self.at += 1
            name = f"{name}_{self.subscript()}"
        return ("sym", name)

    def function(self, name: str) -> Node:
        base: Node | None = None
        exponent: Node | None = None
        for _ in range(2):
            if name == "log" and self.take("_"):
                base = self.group()
            elif self.take("^"):
                exponent = self.exponent()
        if name == "sqrt" and self.is_op("{"):
            argument: list[Node] = [self.group()]
        elif self.is_op("(", "[", "{", "\\{"):
            inner = self.postfix(self.atom())
            inner = inner[1] if inner[0] == "set" and len(inner) == 2 else inner  # \sin\{x\}
            if self.is_op("^") and exponent is None and name not in ("sqrt",):
                # sin(x)^2 is the square of the sine
                self.at += 1
                exponent = self.exponent()
            argument = list(inner[3:]) if inner[0] == "paren" else [inner]
        else:
            node = self.unary()
            while self.starts_atom() and not self.is_function():
                right = self.power()
                if right[0] == "word":
                    break
                node = product(node, right)
            argument = [node]
        node = ("fn", name, *argument) if base is None else ("fn", "log", *argument, base)
        if exponent is None:
            return node
        if exponent == ("neg", ("num", Fraction(1), None)) and name in ("sin", "cos", "tan", "cot", "sec", "csc"):
            return ("fn", "arc" + name, *argument)
        return ("pow", node, exponent)

    def is_function(self) -> bool:
        kind, value, _ = self.peek()
        return (kind == "cmd" and value[1:] in FUNCTIONS) or (
            kind == "name" and (value in FUNCTIONS or value.startswith(_GLUED))
        )

    def named(self, value: str, one: bool) -> Node:
        """A run of letters: a function, a constant, a Greek name, one symbol, or a product of symbols."""
        if one and len(value) > 1 and value not in FUNCTIONS and value not in ("pi", "inf"):
            self.tokens[self.at - 1] = ("name", value[1:], False)
            self.at -= 1
            value = value[0]
        if value in FUNCTIONS and value not in ("deg", "arg", "dim"):
            return self.function(value)
        if value in ("pi", "Pi"):
            return ("const", "pi")
        if value in ("oo", "inf", "infinity", "Infinity", "infty"):
            return ("const", "inf")
        if value in GREEK:
            return self.symbol(value)
        if len(value) == 1:
            if value == "e" and not self.is_op("_"):
                return ("const", "e")
            if value == "i" and not self.is_op("_"):
                return ("const", "i")
            if value in "fghFGPp" and self.is_op("(") and not self.peek()[2]:
                self.at += 1
                inner = self.bracket("(")
                return ("call", value, *(inner[3:] if inner[0] == "paren" else (inner,)))
            return self.symbol(value)
        for name in (*_GLUED, "pi"):
            if value.startswith(name) and len(value) - len(name) <= 2:  # sinx, pir
                self.tokens[self.at - 1] = ("name", value[len(name) :], False)
                self.at -= 1
                return ("const", "pi") if name == "pi" else self.function(name)
            if value.endswith(name) and 0 < len(value) - len(name) <= 2 and name != "ln":  # xsin
                self.tokens[self.at - 1] = ("name", name, False)
                self.at -= 1
                letters: list[Node] = [self.letter(char) for char in value[: -len(name)]]
                return product(*letters) if len(letters) > 1 else letters[0]
        if len(value) > 3:
            return ("word", value)
        # the last letter carries a subscript or an exponent: xy^2 is x·y²
        head, last = value[:-1], value[-1]
        self.tokens[self.at - 1] = ("name", last, False)
        self.at -= 1
        letters = [self.letter(char) for char in head]
        return letters[0] if len(letters) == 1 else product(*letters)

    @staticmethod
    def letter(char: str) -> Node:
        return ("const", char) if char in "ei" else ("sym", char)


def _as_symbol(node: Node, name: str) -> Node:
    """Return the node with the constants `i` or `e` as symbols where an index bears their name."""
    if name not in ("i", "e"):
        return node
    if node == ("const", name):
        return ("sym", name)
    return tuple(_as_symbol(part, name) if isinstance(part, tuple) and part else part for part in node)
