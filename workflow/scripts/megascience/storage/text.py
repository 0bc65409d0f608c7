"""Untrusted text made harmless for logs, messages and terminals."""

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
