"""Thoughts: what a reasoning model writes before its answer, told apart from the answer for all model families.

A thought is never an answer: nothing in it counts, and a completion whose thought never ends has given none.
"""

import re

#: (opening mark, closing mark) of each family, as patterns. Chat templates often put the opening one into the prompt.
_MARKS = (
    # DeepSeek, Qwen, GLM, Phi, EXAONE and prompts that ask for tags; the same name must close
    *((rf"<{name}>", rf"</{name}>") for name in (
        "think", "thinking", "thought", "thoughts", "reasoning", "reason", "seed:think", "longcat_think",
        "antthinking", "scratchpad")),
    (r"\[think\]", r"\[/think\]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),  # OpenThinker, Sky-T1
    (r"<\|start_thinking\|>", r"<\|end_thinking\|>"),  # Command
    (r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),  # Apertus
    (r"<unused94>", r"<unused95>"),  # MedGemma
    (r"\bhere(?: is|['’]s) my thought process:", r"\bhere(?: is|['’]s) my response:"),  # Granite
)  # fmt: skip
_MARK = re.compile("|".join(f"(?P<o{i}>{o})|(?P<c{i}>{c})" for i, (o, c) in enumerate(_MARKS)), re.IGNORECASE)
#: Pieces of marks; a text without any of them holds no thought.
_CUES = ("think>", "think]", "think▷", "thinking>", "thought>", "thoughts>", "reasoning>", "reason>", "scratchpad>",
         "_of_thought|>", "_thinking|>", "<|inner_", "<unused9", "my thought process:", "my response:")  # fmt: skip

#: Harmony (gpt-oss): messages in channels, of which only `final` is for the user.
_CHANNEL = re.compile(r"<\|channel\|>\s{0,4}(\w{1,20})[^<]{0,100}(?:<\|constrain\|>[^<]{0,100})?<\|message\|>")
_CHANNEL_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
#: Harmony whose special tokens a decoder left out.
_BARE_CHANNEL = re.compile(r"\s*analysis(?=[A-Z\n])")
_BARE_FINAL = "assistantfinal"


def answer_spans(text: str) -> list[tuple[int, int]] | None:
    """Return the parts of a completion outside its thoughts as (start, end), None where a thought never ends."""
    if "<|channel|>" in text:
        finals = [match for match in _CHANNEL.finditer(text) if match[1].lower() == "final"]
        if not finals:
            return None
        end = _CHANNEL_END.search(text, finals[-1].end())
        return [(finals[-1].end(), end.start() if end else len(text))]
    if _BARE_CHANNEL.match(text):
        final = text.rfind(_BARE_FINAL)
        return [(final + len(_BARE_FINAL), len(text))] if final >= 0 else None
    lower = text.lower()
    if not any(map(lower.__contains__, _CUES)):
        return [(0, len(text))]
    spans: list[tuple[int, int]] = []
    start, family = 0, ""  # family: of the thought that is open
    for match in _MARK.finditer(text):
        mark = match.lastgroup or ""
        if mark[0] == "o" and not family:
            spans.append((start, match.start()))
            family = mark[1:]
        elif mark[0] == "c" and family in ("", mark[1:]):
            if not family:  # it was opened in the prompt: all before it is thought
                spans.clear()
            start, family = match.end(), ""
    if family:
        return None
    return [*spans, (start, len(text))]


def split_thought(text: str) -> tuple[str, str | None]:
    """Return (thought, answer) of a completion; the answer is None where its thought never ends.

    Known are the tags and channels of all model families in use. A closing tag without an opening one ends a
    thought that was opened in the prompt, so all before it belongs to the thought.
    """
    spans = answer_spans(text)
    if spans is None:
        return text, None
    inside: list[str] = []
    at = 0
    for start, _ in [*spans, (len(text), 0)]:
        inside.append(text[at:start])
        at = spans[len(inside) - 1][1] if len(inside) <= len(spans) else at
    thought = _CHANNEL_END.sub("", _CHANNEL.sub("", _MARK.sub("", "".join(inside))))
    answer = "\n".join(part for part in (text[start:end] for start, end in spans) if part.strip())
    return thought.strip(), answer


def without_thought(text: str) -> str | None:
    """Return a completion of the same length with blanks in place of its thoughts, None where one never ends."""
    spans = answer_spans(text)
    if spans is None:
        return None
    if spans == [(0, len(text))]:
        return text
    parts: list[str] = []
    at = 0
    for start, end in [*spans, (len(text), len(text))]:
        if start > at:
            parts.append("\n" + " " * (start - at - 1))
        parts.append(text[start:end])
        at = end
    return "".join(parts)
