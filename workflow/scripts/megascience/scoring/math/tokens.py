"""Tokens of an answer, and the reader that goes over them."""

import re

from megascience.scoring.math.tree import MAX_TOKENS, ParseError, TooComplex

#: (kind, text, whether a space stands before it).
Token = tuple[str, str, bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<num>\d+(?:\.\d+)?(?!\.\d)|\.\d+|\d+\.(?!\d))"
    r"|(?P<env>\\(?:begin|end)\s*\{[a-zA-Z*]+\}(?:\{[lcr|\s]*\})?)"
    r"|(?P<text>\\(?:text|mathrm|mbox|textbf|textit|textrm|operatorname|mathit|mathsf|texttt|hbox|emph|it)\s*\{(?P<body>[^{}]*)\})"
    r"|(?P<bb>\\mathbb\s*\{?\s*(?P<field>[A-Z])\s*\}?)"
    r"|(?P<cmd>\\(?:[a-zA-Z]+|\\|\{|\}|\||%|&|#|_))"
    r"|(?P<name>[a-zA-Z]+)"
    r"|(?P<op>[-+*/^_!=<>(){}\[\],;:|&%'.?]))"
)


#: Functions that plain text writes without a space before their argument: sinx, lnx.


class Tokens:
    """The tokens of one answer, with a place in them."""

    def __init__(self, source: str) -> None:
        self.tokens: list[tuple[str, str, bool]] = []
        position = 0
        source = source.rstrip()
        while position < len(source):
            match = _TOKEN.match(source, position)
            if match is None:
                raise ParseError(f"unknown character {source[position : position + 1]!r}")
            kind = match.lastgroup or ""
            spaced = match.start(0) < match.start(match.lastgroup or 0)
            if match["text"] is not None:
                kind, value = "text", match["body"].strip()
            elif match["bb"] is not None:
                kind, value = "bb", match["field"]
            else:
                value = match[kind]
            self.tokens.append((kind, value, spaced))
            position = match.end()
            if len(self.tokens) > MAX_TOKENS:
                raise TooComplex("too many tokens")
        self.at = 0
        self.depth = 0
        self.bars = 0

    def peek(self, ahead: int = 0) -> tuple[str, str, bool]:
        index = self.at + ahead
        return self.tokens[index] if index < len(self.tokens) else ("end", "", False)

    def is_op(self, *values: str) -> bool:
        kind, value, _ = self.peek()
        return kind in ("op", "cmd") and value in values

    def take(self, value: str) -> bool:
        if self.is_op(value):
            self.at += 1
            return True
        return False

    def expect(self, value: str) -> None:
        if not self.take(value):
            raise ParseError(f"{value!r} is missing before {self.peek()[1]!r}")
