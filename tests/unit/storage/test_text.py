"""Untrusted text is shown whole and does nothing."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from megascience.storage.text import one_line, printable


@given(st.text())
def test_printable_keeps_text_and_disarms_the_rest(text: str) -> None:
    shown = printable(text)
    assert all(c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in shown)
    if all(c.isprintable() for c in text):
        assert shown == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb", "a\\x0db"),
        ("abc\u202egnp", "abc\\u202egnp"),
        ("\u2066x\u200b", "\\u2066x\\u200b"),
        ("\U000e0041", "\\U000e0041"),
        ("\\frac{1}{2} – β → 水", "\\frac{1}{2} – β → 水"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_one_line() -> None:
    assert one_line("a\n b\t\x1b c") == "a b \\x1b c"
    assert one_line("abcdef", 4) == "abc…"
