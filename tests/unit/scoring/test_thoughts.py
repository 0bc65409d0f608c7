"""Thoughts: the marks of all model families; nothing in a thought counts, and one that never ends left no answer."""

import pytest
from megascience.scoring import extract, score
from megascience.scoring.text.thoughts import split_thought, without_thought

#: opening and closing mark of each family.
FAMILIES = [
    ("<think>", "</think>"), ("<Thinking>", "</Thinking>"), ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"), ("<seed:think>", "</seed:think>"), ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"), ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"), ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("Here is my thought process:", "Here is my response:"),
    ("analysis\n", "assistantfinal"),
]  # fmt: skip
MAYBE = "Perhaps the answer is \\boxed{12}. Or B? The answer is B."


@pytest.mark.parametrize(("left", "right"), FAMILIES)
def test_what_stands_in_a_thought_never_counts(left, right):
    text = f"{left}{MAYBE}{right}The answer is 15."
    assert split_thought(text)[1].strip() == "The answer is 15."
    assert score(text, "15", "number").correct
    assert not score(text, "12", "number").correct
    assert extract(f"{left}{MAYBE}{right}The answer is C.", "choice").answer == "C"
    assert extract(f"{left}{MAYBE}{right}", "choice").answer is None


@pytest.mark.parametrize(("left", "right"), FAMILIES)
@pytest.mark.parametrize("kind", ["number", "choice", "boolean", "expression", "text", "auto"])
def test_a_thought_that_never_ends_left_no_answer(left, right, kind):
    found = extract(left + MAYBE, kind)
    assert (found.answer, found.rule) == (None, "unfinished_thought")
    assert score(left + "12", "12", kind).reason == "unfinished_thought"
    assert split_thought(left + MAYBE)[1] is None


@pytest.mark.parametrize(("left", "right"), FAMILIES[:10])
def test_the_opening_mark_may_stand_in_the_prompt(left, right):
    assert score(f"{MAYBE} Hence{right}\n\n**15**", "15", "number").correct
    assert not score(f"{MAYBE} Hence{right}\n\n**15**", "12", "number").correct


def test_a_second_thought_counts_as_the_first():
    text = "<think>A</think>The answer is B.<think>The answer is C.</think>"
    assert split_thought(text) == ("AThe answer is C.", "The answer is B.")
    assert extract(text, "choice").answer == "B"
    assert extract(text + "<think>D", "choice").rule == "unfinished_thought"


def test_harmony_keeps_the_final_channel_only():
    text = (
        "<|channel|>analysis<|message|>The answer is A.<|end|><|start|>assistant<|channel|>commentary<|message|>"
        "The answer is B.<|end|><|start|>assistant<|channel|>final<|message|>The answer is C.<|return|>"
    )
    assert extract(text, "choice").answer == "C"
    assert split_thought(text)[1] == "The answer is C."


@pytest.mark.parametrize("text", ["", "H<sub>2</sub>O", "a < b > c", "[1, 2]", "I think that 5 is right.", "</answer>"])
def test_a_text_without_thoughts_stays_as_it_is(text):
    assert split_thought(text) == ("", text)
    assert without_thought(text) == text


def test_spans_stay_right_behind_a_thought():
    text = "<think>" + "Hm. " * 500 + "</think>\n\nThe answer is (B)."
    found = extract(text, "choice")
    assert text[slice(*found.span)] == "answer is (B)"
