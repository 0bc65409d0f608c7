"""Formulas whose parts PDF writers set in unusual ways."""

import pytest
from megascience.ingest.pdf.text_layer.formulas import compose, plain
from megascience.ingest.pdf.text_layer.glyph import Glyph
from megascience.ingest.pdf.text_layer.glyphs import Bar
from megascience.ingest.pdf.text_layer.read import read_book

typst = pytest.importorskip("typst")


def glyphs(text, x=0.0, base=100.0, size=12.0, lead=""):
    result, place = [], x
    for character in text:
        if character == " ":
            lead, place = " ", place + 0.25 * size
            continue
        result.append(Glyph(character, place, place + 0.5 * size, base, base + 0.7 * size, base, size, lead=lead))
        lead, place = "", place + 0.5 * size
    return result


def test_an_operator_in_a_larger_font_than_its_line():
    """The line's own letters are small beside the operator, and are not limits of it."""
    total = Glyph("∑", 30, 50, 92, 114, 97, 24)
    line = [*glyphs("E ="), total, *glyphs("i=1", 30, 84, 8), *glyphs("n", 38, 117, 8), *glyphs("mc", 52)]
    line += glyphs("2", 64, 104.5, 8)
    assert plain(compose(line, [])).replace(" ", "") == "E=∑_{i=1}^nmc²"


def test_limits_before_their_operator_in_the_content():
    total = Glyph("∑", 30, 50, 92, 114, 97, 24)
    line = [*glyphs("E ="), *glyphs("n", 38, 117, 8), total, *glyphs("i=1", 30, 84, 8), *glyphs("mc", 52)]
    assert plain(compose(line, [])).replace(" ", "") == "E=∑_{i=1}^nmc"


def test_a_script_ends_where_the_line_goes_on():
    line = [*glyphs("e"), *glyphs("iπ", 6, 105, 8), *glyphs("+ 1 = 0", 16, lead=" ")]
    assert plain(line) == "e^{iπ} + 1 = 0"


@pytest.mark.parametrize(
    ("base", "sign", "rise", "read"),
    [("Na", "+", 4.5, "Na⁺"), ("Cl", "−", 4.5, "Cl⁻"), ("n", "+", -2, "n₊"), ("x", "∗", 4.5, "x∗")],
)
def test_signs_as_scripts(base, sign, rise, read):
    assert plain([*glyphs(base), *glyphs(sign, 6 * len(base), 100 + rise, 8)]) == read


def test_of_a_stack_the_lower_script_comes_first():
    stack = [*glyphs("2−", 12, 104.5, 8), *glyphs("4", 12, 98, 8)]
    assert plain([*glyphs("SO"), *stack, *glyphs(" is", 22)]).startswith("SO₄²⁻")


def test_a_script_of_a_script():
    assert plain([*glyphs("e"), *glyphs("−x", 6, 105, 8), *glyphs("2", 14, 108, 6)]) == "e^{−x²}"


def test_a_line_over_or_under_one_letter_is_a_part_of_it():
    line = glyphs("x = v", 0)
    assert plain(compose(line, [Bar(0, 6, 110)])) == "x̄ = v"
    assert plain(compose(line, [Bar(18, 24, 98.5)])) == "x = v̲"


def test_a_line_under_a_word_is_not():
    line = glyphs("a word here")
    assert plain(compose(line, [Bar(9, 33, 98.5)])) == "a word here"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    source = tmp_path_factory.mktemp("typst") / "page.typ"
    source.write_text(
        "#set page(width: 15cm, height: 22cm)\n"
        "Display $ E = sum_(i=1)^n m c^2 $ and inline $E = sum_(i=1)^n m c^2$ holds.\n\n"
        "Euler found $e^(i pi) + 1 = 0$ and $ integral integral_D f dif A = sqrt(pi) $\n\n"
        'Ions are $"Ca"^(2+)$, $"SO"_4^(2-)$ and $"H"^+$.\n\n'
        "Vectors are $underline(v)$, $overline(x)$, $arrow(F) = m arrow(a)$ and $hat(n)$ and $dot(x)$.\n\n"
        "$ integral_(-oo)^oo e^(-x^2) dif x $\n"
    )
    typst.compile(str(source), output=str(source.with_suffix(".pdf")))
    return read_book(source.with_suffix(".pdf"))[0]["text"]


@pytest.mark.parametrize(
    "formula",
    [
        "E = ∑_{i=1}^n mc²",
        "e^{iπ} + 1 = 0",
        "∫ ∫_D f dA = √π",
        "Ca²⁺, SO₄²⁻",
        "H⁺",
        "v̲",
        "x̄",
        "ma⃗",
        "n̂",
        "ẋ",
        "e^{−x²}",
    ],
)
def test_formulas_of_a_real_typesetter(page, formula):
    assert formula in page
