"""Text for people at a terminal: indented, changes, two texts side by side; all of it harmless."""

import difflib
import itertools
import re
import textwrap

from megascience.storage.text import printable


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
