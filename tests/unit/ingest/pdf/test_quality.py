"""The quality gate: garbage is named with its figures, good pages of every kind pass."""

import random
import string

import pytest
from megascience.ingest.pdf.quality import Limits, agreement, figures_of, language_of, main_language, page_fault

PROSE = (
    "A wave carries energy without carrying matter. Its speed is the product of wavelength and frequency, and it "
    "depends on the medium only. Where two waves meet, their displacements add, which is called superposition. "
    "Standing waves arise when a wave meets its own reflection, and only some frequencies fit between the ends. "
    "The lowest of them is the fundamental, and all others are whole multiples of it."
)
GERMAN = (
    "Die Welle trägt Energie, ohne dass Stoff bewegt wird, und ihre Geschwindigkeit ist das Produkt aus Wellenlänge "
    "und Frequenz. Wenn zwei Wellen sich treffen, werden ihre Auslenkungen für jede Stelle überlagert."
)


def shuffled(text):
    letters = list(string.ascii_lowercase)
    random.Random(3).shuffle(letters)
    return text.lower().translate(str.maketrans(string.ascii_lowercase, "".join(letters)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (shuffled(PROSE), "pairs of letters"),
        (" ".join(PROSE.replace(" ", "")), "stand apart"),
        (PROSE.replace("e", "\ufffd").replace("a", "\ue061"), "unknown"),
        ("".join(chr(ord(c) + 29) if c.isalpha() else c for c in PROSE), "unknown"),
        (GERMAN.encode().decode("latin-1"), "wrong encoding"),
        (GERMAN.encode().decode("cp1252", "replace"), "wrong encoding"),
        (
            ("Волна переносит энергию без переноса вещества. " * 4).encode("cp1251").decode("latin-1"),
            "outside of ASCII",
        ),
        (PROSE[:90] + " and the wave is therefore a wave" * 60, "repeats itself"),
        ("\n".join(["The speed of the wave is 3 m/s."] * 20), "lines repeat"),
    ],
    ids=["shuffled", "apart", "private", "shifted", "latin-1", "cp1252", "cp1251", "loop", "lines"],
)
def test_garbage_is_named_with_its_figure(text, said):
    fault = page_fault(text, Limits())
    assert said in fault
    assert any(character.isdigit() for character in fault)


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        GERMAN,
        "Волна переносит энергию без переноса вещества, и её скорость равна произведению. " * 2,
        "\n".join(f"| {i} | {i * 1.7:.2f} | {i * i} |" for i in range(40)),
        "\n".join(f"x_{i} = (a + b)/{i} − y² , ({i})" for i in range(1, 30)),
        "\n".join(f"{i}. {'ABCD'[i % 4]}" for i in range(1, 40)),
        "a = b + c , d = e − f , x y z = w",
        "\n".join("".join(random.Random(i).choices("ACGT", k=60)) for i in range(12)),
        "Part II",
        "NaCl KCl MgSO₄ HNO₃",
        "",
    ],
    ids=["prose", "german", "russian", "numbers", "formulas", "answers", "letters", "dna", "short", "salts", "empty"],
)
def test_good_pages_pass(text):
    assert page_fault(text, Limits()) == ""


def test_text_that_is_much_longer_or_shorter_than_its_glyphs():
    assert "from 40 glyphs" in page_fault(PROSE, Limits(), glyphs=40)
    assert "only" in page_fault(PROSE, Limits(), glyphs=9000)
    assert page_fault(PROSE, Limits(), glyphs=len(PROSE)) == ""


def test_limits_can_be_set():
    text = PROSE.replace("w", "\ufffd")
    assert page_fault(text, Limits()) == ""
    assert "unknown" in page_fault(text, Limits(unknown=0.001))
    assert 0 < figures_of(text).unknown < 0.1


def test_agreement_of_two_readings():
    assert agreement(PROSE, PROSE) == 1.0
    assert agreement(PROSE, PROSE.upper()) == 1.0
    assert agreement(PROSE, GERMAN) < 0.2
    assert agreement("x = 3", "y = 4") is None
    latex = PROSE + r" $\frac{\mathrm{displacement}}{2}$"
    assert agreement(latex, PROSE + " displacement/2") == 1.0


def test_language_of_pages_and_books():
    assert (language_of(PROSE), language_of(GERMAN)) == ("English", "German")
    assert main_language([("English", 100), ("German", 900), ("English", 300)]) == "German"
    assert main_language([]) == "English"
