"""Accents join the letter that they are drawn on, and nothing else."""

import pytest
from megascience.ingest.pdf.text_layer.accents import join_accents
from megascience.ingest.pdf.text_layer.glyph import Glyph


def letter(text, x, lead=""):
    return Glyph(text, x, x + 5, 100, 104.5, 100, 10, lead=lead)


def accent(text, x, y=105.5, lead=""):
    return Glyph(text, x, x + 3, y, y + 2, 100, 10, lead=lead)


def joined(*glyphs):
    return "".join(glyph.lead + glyph.text for glyph in join_accents(glyphs))


@pytest.mark.parametrize(
    ("mark", "base", "whole"), [("¨", "o", "ö"), ("´", "e", "é"), ("¨", "ı", "ï"), ("ˆ", "n", "n̂"), ("⃗", "a", "a⃗")]
)
def test_an_accent_over_a_letter(mark, base, whole):
    assert joined(letter("G", 0), accent(mark, 6), letter(base, 5), letter("r", 10)) == f"G{whole}r"
    assert joined(letter("G", 0), letter(base, 5), accent(mark, 6), letter("r", 10)) == f"G{whole}r"


def test_the_space_that_pdfium_puts_between_them_goes():
    assert joined(letter("a", 0), accent("¨", 6), letter("o", 5, lead=" ")) == "aö"
    assert joined(letter("a", 0), accent("´", 11, lead=" "), letter("e", 10)) == "a é"


def test_an_accent_beside_a_letter_is_a_sign_of_its_own():
    assert joined(letter("5", 0), accent("´", 5.5), letter("e", 11, lead=" ")) == "5´ e"
    assert joined(letter("5", 0), accent("˚", 5.5), letter("a", 9)) == "5˚a"
    assert joined(letter("y", 0), accent("´", 5.5), letter("i", 9.5)) == "y´i"


def test_an_accent_over_a_digit_stays():
    assert joined(letter("5", 0), accent("´", 1)) == "5´"


def test_marks_below_and_across():
    assert joined(letter("c", 0), accent("¸", 1, y=98)) == "ç"
    assert joined(accent("\u0335", 1, y=102), letter("l", 0)) == "ł"
    assert joined(accent("\u0338", 1, y=99), letter("=", 0)) == "≠"


def test_the_accents_of_a_formula_may_be_drawn_after_it():
    marks = [accent("\u0302", 1), accent("\u20d7", 11)]
    assert joined(letter("n", 0), letter("=", 5), letter("a", 10), *marks) == "n̂=a⃗"


def test_an_accent_that_was_drawn_far_before_its_letter():
    """The words beside it keep their spaces, and the name that it cut in two is one word."""
    line = [
        letter("a", 0),
        accent("ˇ", 25, lead=" "),
        letter("M", 8),
        letter("i", 13),
        letter("n", 18),
        letter("c", 23.5),
    ]
    assert joined(*line) == "a Minč"
    line = [
        letter("n", 0),
        accent("´", 25),
        letter("a", 5, lead=" "),
        letter("c", 10),
        letter("h", 15),
        letter("y", 23.5),
    ]
    assert joined(*line) == "nachý"
