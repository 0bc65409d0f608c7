"""Text for people at a terminal: untrusted text made harmless, changes, two texts side by side."""

import difflib
import itertools
import re
import textwrap
import unicodedata

#: Unicode categories that could move the cursor, hide text or turn its direction, and odd line breaks.
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str) -> str:
    """Return text with everything that a terminal would act on, but line feeds and tabs, shown as an escape."""
    return "".join(_escape(c) if c not in "\n\t" and unicodedata.category(c) in _HARMFUL else c for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_line(text: str, width: int | None = None) -> str:
    """Return text on one line, harmless, cut to `width` characters where one is given."""
    line = printable(" ".join(text.split()))
    return line if width is None or len(line) <= width else line[: width - 1] + "…"


def indented(text: str, prefix: str = "    ") -> str:
    """Return harmless text with a prefix before each line."""
    return "\n".join(prefix + line for line in printable(text).split("\n"))


def changes(before: str, after: str) -> list[str]:
    """Return the difference of two texts by sentences, as harmless lines that open with "- ", "+ " or two spaces."""
    lines = difflib.ndiff(_sentences(before), _sentences(after))
    return [printable(line) for line in lines if not line.startswith("?")]


def _sentences(text: str) -> list[str]:
    return [part for line in text.splitlines() for part in re.split(r"(?<=[.!?])\s+", line) if part.strip()]


def side_by_side(left: str, right: str, width: int) -> str:
    """Return two harmless texts in two columns that together are at most `width` characters wide."""
    column = max(8, (width - 3) // 2)
    pairs = itertools.zip_longest(_wrapped(left, column), _wrapped(right, column), fillvalue="")
    return "\n".join(f"{a:<{column}} | {b}".rstrip() for a, b in pairs)


def _wrapped(text: str, width: int) -> list[str]:
    return [part for line in printable(text).expandtabs(4).split("\n") for part in textwrap.wrap(line, width) or [""]]
