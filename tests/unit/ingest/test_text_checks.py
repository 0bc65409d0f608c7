"""What somebody else's text must not carry into a training file."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from megascience.ingest.reasons import TEXT_REASONS
from megascience.ingest.text_checks import repeated_end, text_fault


@pytest.mark.parametrize(
    "token",
    [
        "<|im_end|>", "<|im_start|>", "<|start_header_id|>", "<|eot_id|>", "</s>", "[INST]", "<<SYS>>", "<|endoftext|>",
        "<end_of_turn>", "<start_of_turn>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<|channel|>", "<|return|>",
        "<|IM_END|>",         "[/INST]", "<eos>", "<|END_OF_TURN_TOKEN|>", "<|reserved_special_token_7|>",
        "<|assistant|>", "[SYSTEM_PROMPT]",
    ],
)  # fmt: skip
def test_tokens_of_chat_templates(token):
    assert text_fault(f"The force is 3 N.{token}") == ("chat_tokens", token)


@pytest.mark.parametrize(
    "text",
    [
        "<think>Let me see.</think>The force is 3 N.",
        "Let me see.</think>\nThe force is 3 N.",
        "[THINK]Hm.[/THINK] 3 N",
        "◁think▷Hm.◁/think▷ 3 N",
        "<think>Let me see, the force is",
    ],
)
def test_thoughts_are_left_out_unless_they_are_wanted(text):
    assert text_fault(text)[0] == "leftover_thought"
    assert text_fault(text, thoughts=True) is None


def test_tags_of_our_own_prompts():
    assert text_fault("<answer>3 N</answer>") == ("answer_tags", "<answer>")
    assert text_fault("It is so.\n</QUESTION>") == ("answer_tags", "</QUESTION>")


@pytest.mark.parametrize(
    "text",
    [
        "The sum is 4. " * 60,
        "First, we square it. " + "So x = 2, and " * 40,
        "a correct start\n" + "\n\nWait, let me check that again." * 30,
        "因此答案是四。" * 80,
        "ha" * 400,
    ],
)
def test_an_answer_that_never_stops(text):
    assert text_fault(text)[0] == "endless_repetition"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The mean absolute value <|x|> of the position is 2 nm, and <ψ|H|φ> is real.",
        "In HTML, <s>struck</s ...", "if a < b and [1] holds, then c > d",
        "1/3 = 0." + "3" * 900,
        "| 0 | 0 |\n" * 100,
        "-" * 2000,
        "".join(f"Step {n}: add {n} to the sum, which is now {n * (n + 1) // 2}.\n" for n in range(200)),
        "La la la la, he sang. " * 4,
        "For each i: swap. " * 20,
        "We answer the question: what is a score at this level?",
    ],
)  # fmt: skip
def test_texts_that_may_stay(text):
    assert text_fault(text) is None


@given(st.text(alphabet="ab ", min_size=1, max_size=30), st.integers(1, 60), st.text(alphabet="xyz", max_size=5))
def test_a_repeated_end_is_what_repeats(unit, times, start):
    text = start + unit * times
    found = repeated_end(text)
    if found:
        tail = text.rstrip()
        assert tail.endswith(found * 5) and any(c.isalpha() for c in found)
    elif len((unit * times).rstrip()) >= 400 and times >= 6 and unit.strip() == unit:
        pytest.fail(f"{unit!r} comes {times} times")


def test_the_work_grows_with_the_text():
    """A bound on processor time that no busy machine moves, hundreds of times above what it takes."""
    began = time.process_time()
    for text in ("<" * 10**6, "[" * 10**6, "ab" * 5 * 10**5, "<|" * 5 * 10**5, "a" * 10**6, "<think>" * 10**5):
        text_fault(text)
    assert time.process_time() - began < 60


def test_each_finding_is_a_reason():
    texts = ("</s>", "</think>", "</answer>", "again " * 100)
    found = [text_fault(text)[0] for text in texts]
    assert found == ["chat_tokens", "leftover_thought", "answer_tags", "endless_repetition"]
    assert set(found) == set(TEXT_REASONS)
