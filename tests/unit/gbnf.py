"""A matcher for the part of GBNF that our grammars use, so that tests can ask what a grammar allows without a model."""

import re

_TOKEN = re.compile(
    r'\s*(?:(?P<literal>"(?:[^"\\]|\\.)*")|(?P<klass>\[(?:[^\]\\]|\\.)*\])|(?P<name>[a-z][a-z0-9-]*)'
    r"|(?P<count>\{\d+,\d+\})|(?P<sign>[()|*+?]))"
)

_SIGNS = {"n": "\n", "r": "\r", "t": "\t"}


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-f]{4})|\\(.)", lambda m: chr(int(m[1], 16)) if m[1] else _SIGNS.get(m[2], m[2]), text)


class Grammar:
    """`Grammar(text).accepts(string)` by the sets of positions at which each part can end."""

    def __init__(self, text: str) -> None:
        self.rules = {}
        for line in text.splitlines():
            name, _, body = line.partition(" ::= ")
            self.tokens = list(_TOKEN.finditer(body))
            assert "".join(m[0] for m in self.tokens) == body, f"not understood: {line}"
            self.rules[name] = self._choice()
            assert not self.tokens

    def _choice(self):
        options = [[]]
        while self.tokens and self.tokens[0]["sign"] != ")":
            if self.tokens[0]["sign"] == "|":
                self.tokens.pop(0)
                options.append([])
            else:
                options[-1].append(self._item())
        return ("choice", options)

    def _item(self):
        token = self.tokens.pop(0)
        if token["literal"]:
            item = ("literal", _unescaped(token["literal"][1:-1]))
        elif token["klass"]:
            body = token["klass"][1:-1]
            item = ("class", body.startswith("^"), set(_unescaped(body.removeprefix("^"))))
        elif token["name"]:
            item = ("rule", token["name"])
        else:
            assert token["sign"] == "("
            item = self._choice()
            assert self.tokens.pop(0)["sign"] == ")"
        if self.tokens and (self.tokens[0]["count"] or self.tokens[0]["sign"] in tuple("*+?")):
            sign = self.tokens.pop(0)[0].strip()
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or map(int, sign[1:-1].split(","))
            item = ("repeat", item, low, high)
        return item

    def accepts(self, text: str) -> bool:
        self.text, self.memo = text, {}
        return len(text) in self._ends(("rule", "root"), 0)

    def _ends(self, node, at):
        key = (id(node) if node[0] != "rule" else node[1], at)
        if key not in self.memo:
            self.memo[key] = self._match(node, at)
        return self.memo[key]

    def _match(self, node, at):
        kind = node[0]
        if kind == "literal":
            return {at + len(node[1])} if self.text.startswith(node[1], at) else set()
        if kind == "class":
            return {at + 1} if at < len(self.text) and (self.text[at] in node[2]) != node[1] else set()
        if kind == "rule":
            return self._ends(self.rules[node[1]], at)
        if kind == "choice":
            ends = set()
            for option in node[1]:
                here = {at}
                for item in option:
                    here = {end for start in here for end in self._ends(item, start)}
                ends |= here
            return ends
        _, item, low, high = node
        ends, here, count = ({at} if low == 0 else set()), {at}, 0
        while here and (high is None or count < high):
            here = {end for start in here for end in self._ends(item, start)} - (ends if count >= low else set())
            count += 1
            if count >= low:
                ends |= here
        return ends
