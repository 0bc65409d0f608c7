"""Comparison: laws that hold for all answers, presets, tolerances, units."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from megascience.scoring import KINDS, compare, kind_of

EXAMPLES = {
    "choice": ["A", "(C)", "\\text{(B)}"],
    "multi_choice": ["A,C", "B", "A, B and D"],
    "boolean": ["True", "False"],
    "yes_no_maybe": ["yes", "no", "maybe"],
    "number": ["0", "-3", "3.25", "1/3", "6.02e23", "25%", "\\sqrt{2}"],
    "quantity": ["5 m", "-131.1 kJ/mol", "25 °C", "3.0"],
    "expression": ["x^2+1", "\\frac{1}{2}", "1 \\pm \\sqrt{2}", "52_8", "\\infty"],
    "equation": ["y=2x+1", "x^2+y^2=1", "x<3"],
    "set": ["\\{1,2\\}", "\\emptyset", "1, 3"],
    "tuple": ["(1,2)", "(a,b,c)"],
    "interval": ["[1,2)", "(-\\infty,3)\\cup(4,5]", "x>2"],
    "matrix": ["\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}"],
    "text": ["water", "H_2O"],
    "auto": ["A", "5", "7 m", "x+1", "water", "\\{1\\}"],
}


def test_every_kind_has_an_example():
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize(("kind", "answer"), [(k, a) for k, answers in EXAMPLES.items() for a in answers])
def test_an_answer_equals_itself(kind, answer):
    assert compare(answer, answer, kind).label == "correct"


@pytest.mark.parametrize("kind", [k for k in KINDS if len(EXAMPLES[k]) > 1])
def test_different_examples_differ(kind):
    answers = EXAMPLES[kind]
    for i, a in enumerate(answers):
        for b in answers[i + 1 :]:
            assert not compare(a, b, kind).correct, (a, b)
            assert not compare(b, a, kind).correct, (b, a)


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30))
def test_integers_are_exact(a, b):
    assert compare(str(a), str(b), "number").correct == (a == b)
    assert compare(f"{a:,}", str(b), "number").correct == (a == b)


@given(st.floats(1e-12, 1e12), st.floats(0.5, 1.5))
def test_tolerance_is_symmetric_and_scale_free(value, factor):
    a, b = f"{value:.17e}", f"{value * factor:.17e}"
    there, back = (compare(x, y, "number").correct for x, y in ((a, b), (b, a)))
    assert there == back
    if abs(math.log(factor)) < 0.0099:
        assert there
    if abs(math.log(factor)) > 0.0102:
        assert not there


@given(
    st.floats(1e-6, 1e6),
    st.sampled_from([("km", "m", 1e3), ("J", "kJ", 1e-3), ("h", "s", 3600), ("eV", "J", 1.602176634e-19)]),
)
def test_units_convert_both_ways(value, units):
    big, small, factor = units
    a, b = f"{value:.15e} {big}", f"{value * factor:.15e} {small}"
    assert compare(a, b, "quantity").correct
    assert compare(b, a, "quantity").correct
    assert not compare(f"{value:.15e} {big}", f"{value:.15e} {small}", "quantity").correct


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=6, unique=True), st.randoms())
def test_sets_forget_order_and_tuples_do_not(items, generator):
    shuffled = items[:]
    generator.shuffle(shuffled)
    brace = "\\{" + ", ".join(map(str, items)) + "\\}"
    assert compare("\\{" + ", ".join(map(str, shuffled)) + "\\}", brace, "set").correct
    assert compare(f"({', '.join(map(str, shuffled))})", f"({', '.join(map(str, items))})", "tuple").correct == (
        shuffled == items
    )
    assert not compare("\\{" + ", ".join(map(str, [*shuffled, 51])) + "\\}", brace, "set").correct


@st.composite
def polynomials(draw):
    coefficients = draw(st.lists(st.integers(-9, 9), min_size=1, max_size=5))
    return coefficients, " + ".join(f"({c})x^{{{i}}}" if i else f"({c})" for i, c in enumerate(coefficients))


def strip(coefficients):
    while coefficients and coefficients[-1] == 0:
        coefficients = coefficients[:-1]
    return coefficients


@settings(deadline=None)
@given(polynomials(), polynomials())
def test_polynomials_are_equal_when_their_coefficients_are(a, b):
    assert compare(a[1], b[1], "expression").correct == (strip(a[0]) == strip(b[0]))
    assert compare(f"({a[1]})({b[1]})", f"({b[1]})({a[1]})", "expression").correct


@given(st.text(max_size=80), st.text(max_size=80), st.sampled_from(KINDS))
@settings(deadline=None, max_examples=200)
def test_any_text_gets_a_verdict(candidate, reference, kind):
    verdict = compare(candidate.replace("\\", ""), reference.replace("\\", ""), kind)
    assert verdict.label in ("correct", "wrong", "unreadable")
    assert verdict.reason


def test_explicit_tolerance_holds_for_integers_too():
    assert not compare("98", "100", "number").correct
    assert compare("98", "100", "number", tolerance=0.05).correct
    assert not compare("94", "100", "number", tolerance=0.05).correct
    assert compare("103 km", "100 km", "quantity", tolerance=0.05).correct


@pytest.mark.parametrize(
    ("candidate", "reference", "unit", "standard", "paper"),
    [
        ("104", "100", None, False, True),
        ("106", "100", None, False, False),
        ("5 km", "5", "m", False, True),
        ("500", "5", None, False, True),
        ("-5", "5", None, False, False),
        ("5", "5", None, True, True),
    ],
)
def test_presets(candidate, reference, unit, standard, paper):
    kind = "quantity" if unit else "number"
    assert compare(candidate, reference, kind, unit=unit).correct is standard
    assert compare(candidate, reference, kind, unit=unit, preset="paper").correct is paper


def test_unknown_kind_and_preset_are_errors():
    with pytest.raises(ValueError, match="kind 'chioce'"):
        compare("A", "A", "chioce")
    with pytest.raises(ValueError, match="preset 'strict'"):
        compare("A", "A", "choice", preset="strict")


@pytest.mark.parametrize(
    ("reference", "kind"),
    [("B", "choice"), ("True", "boolean"), ("maybe", "yes_no_maybe"), ("42", "number"), ("3.5 m/s", "quantity"),
     ("\\frac{1}{2}x", "expression"), ("\\{1,2\\}", "expression"), ("photosynthesis", "text"),
     ("30^\\circ", "quantity")],
)  # fmt: skip
def test_the_reference_decides_for_auto(reference, kind):
    assert kind_of(reference) == kind
