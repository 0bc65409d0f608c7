"""Text checks: what may be in a question or an answer of somebody else's, and must not be trained on.

Tokens of chat templates become real turn ends in a training file, a left-over thought teaches a model to leak it,
an answer tag of our own prompts would be read as the answer by our own parsers, and an endless repetition is the
trace of a model that did not stop.
"""

import re

from megascience.scoring.text.thoughts import answer_spans

#: Names of the tokens of chat templates that are written `<|name|>`. Other names are left alone: `<|x|>` is the mean
#: of an absolute value in physics.
_NAMES = (
    "im_start im_end im_sep start_header_id end_header_id eot_id eom_id begin_of_text end_of_text endoftext "
    "fim_prefix fim_middle fim_suffix file_sep python_tag system user assistant tool observation end start channel "
    "message return call constrain endofprompt start_of_role end_of_role start_of_turn end_of_turn_token "
    "start_of_turn_token system_token user_token chatbot_token bos eos pad"
)
_CHAT = re.compile(
    r"<\|(?:" + "|".join(_NAMES.split()) + r")\|>"
    r"|<｜[^<>｜]{1,40}｜>"  # DeepSeek
    r"|<\|?(?:begin|end)[▁_]of[▁_](?:sentence|text)\|?>"
    r"|</s>|\[/?INST\]|<</?SYS>>|\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS)\]"  # Llama 2, Mistral
    r"|<(?:start|end)_of_turn>|<(?:bos|eos)>"  # Gemma
    r"|\[(?:BOS|EOS|gMASK)\]|<sop>|<\|reserved_special_token_\d{1,3}\|>",
    re.IGNORECASE,
)
#: The tags that answers of the workflow's prompts are written in.
_TAGS = re.compile(r"</?(?:question|answer|reference|decision|analysis|subject|level|score)>", re.IGNORECASE)

#: Characters of a text's end that are looked at, and how long a repeated end must be to count: a table, a list of
#: digits or a chorus repeats, too, but not for so long.
_TAIL = 4000
_LEAST_CHARACTERS = 400
_LEAST_TIMES = 5


def text_fault(text: str, thoughts: bool = False) -> tuple[str, str] | None:
    """Return why a text must not be trained on, as (reason of `TEXT_REASONS`, what was found), None where it may.

    The work grows with the length of the text.

    Args:
        thoughts: whether thoughts are wanted, as in a set of long chains of thought.
    """
    if "<" in text or "[" in text:
        if found := _CHAT.search(text):
            return "chat_tokens", found[0]
        if found := _TAGS.search(text):
            return "answer_tags", found[0]
    if not thoughts and answer_spans(text) != [(0, len(text))]:
        return "leftover_thought", "marks of a thought"
    if unit := repeated_end(text):
        return "endless_repetition", unit[:80]
    return None


def repeated_end(text: str) -> str | None:
    """Return the words that a text's end repeats, at least `_LEAST_TIMES` over `_LEAST_CHARACTERS`, None if none.

    A last repetition that breaks off counts with the others. What has no letter (rules of a table, zeros) does not.
    """
    tail = text[-_TAIL:].rstrip()
    if len(tail) < _LEAST_CHARACTERS or tail.count(tail[-20:]) < _LEAST_TIMES:
        return None
    # The prefix function of the reversed tail: an end of length n with the border b has the period n - b.
    reverse = tail[::-1]
    border = [0] * len(reverse)
    k = 0
    best = 0
    for n in range(1, len(reverse)):
        while k and reverse[n] != reverse[k]:
            k = border[k - 1]
        if reverse[n] == reverse[k]:
            k += 1
        border[n] = k
        period = n + 1 - k
        if n + 1 >= max(_LEAST_CHARACTERS, _LEAST_TIMES * period):
            best = period
    unit = tail[len(tail) - best :] if best else ""
    return unit if any(character.isalpha() for character in unit) else None
