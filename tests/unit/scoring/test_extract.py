"""Extraction: the last commitment, spans, and what is not a commitment."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from megascience.scoring import KINDS, extract, score

OPTIONS = ["red", "green", "blue", "black"]


def test_the_span_is_where_the_answer_stands():
    text = "First we think. The answer is (B). Goodbye."
    found = extract(text, "choice", OPTIONS)
    assert (found.answer, found.rule) == ("B", "answer phrase")
    assert text[slice(*found.span)] == "answer is (B)"


def test_spans_are_right_behind_currency_signs_and_long_texts():
    text = "x" * 300_000 + " It costs \\$5. \\boxed{\\$7}"
    found = extract(text, "number")
    assert text[slice(*found.span)] == "\\boxed{\\$7}"
    assert score(text, "7", "number").correct


@given(st.sampled_from("ABCD"), st.sampled_from("ABCD"))
def test_the_last_of_two_commitments_wins(first, second):
    text = f"The answer is {first}. Let me check this once more. The answer is {second}."
    assert extract(text, "choice", OPTIONS).answer == second


@given(st.sampled_from("ABCD"), st.sampled_from("ABCD"))
def test_a_hedge_or_denial_after_the_answer_changes_nothing(letter, other):
    for tail in (f"One might think that the answer is {other}.", f"The answer is not {other}.",
                 f"If the answer were {other}, energy would not be conserved."):  # fmt: skip
        assert extract(f"The answer is {letter}. {tail}", "choice", OPTIONS).answer == letter


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_nothing_is_unreadable(kind, text):
    assert extract(text, kind).answer is None


@pytest.mark.parametrize("text", [
    "I am not sure about this one.",
    "(A) red (B) green (C) blue (D) black",
    "The answer is either A or B.",
    "A good question. I will think about it.",
    "The answer is B. Wait, that is wrong.",
])  # fmt: skip
def test_no_guess(text):
    assert extract(text, "choice", OPTIONS).answer is None


def test_letters_beyond_the_options_are_no_answer():
    assert extract("The answer is E.", "choice", OPTIONS).answer is None
    assert extract("The answer is Z.", "choice", [str(i) for i in range(26)]).answer == "Z"


def test_reasoning_blocks_and_further_problems_are_left_out():
    assert extract("<think>The answer is A.</think>The answer is B.", "choice", OPTIONS).answer == "B"
    assert extract("The answer is B.\n\nQuestion: next?\nThe answer is C.", "choice", OPTIONS).answer == "B"


@given(st.text(alphabet="AB \\{}$()*.\n=:answerisboxed0123456789", max_size=200), st.sampled_from(KINDS))
@settings(deadline=None, max_examples=300)
def test_any_text_is_extracted_from_without_error(text, kind):
    found = extract(text, kind, OPTIONS)
    assert (found.answer is None) == (found.span is None)
    if found.span:
        assert 0 <= found.span[0] < found.span[1] <= len(text)


def test_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match="kind 'letter'"):
        extract("A", "letter")


@pytest.mark.parametrize("blank", ["\n", " ", "\t \n"])
def test_the_span_is_right_behind_runs_of_white_space(blank):
    text = f"First.{blank * 300}The answer is (B).{blank * 300}Goodbye."
    found = extract(text, "choice", OPTIONS)
    assert text[slice(*found.span)] == "answer is (B)"
