"""Extraction: the answer that a completion commits itself to, or None rather than a guess.

All places that state an answer are collected (boxes, answer phrases, tags, verdicts on an option), hedges and
negations are left out, and the last one that can be read as the wanted kind wins. Only where there is none the
completion's ends are looked at: a completion that is nothing but the answer, or a last line that is.
"""

import re
from collections.abc import Sequence

from megascience.scoring.budget import EXTRACTION, OutOfSteps, limited
from megascience.scoring.extraction.closing import fallback
from megascience.scoring.extraction.closing_options import sorted_out
from megascience.scoring.extraction.doubt import conditional, taken_back
from megascience.scoring.extraction.readers import Reader, reader_for
from megascience.scoring.extraction.statements import Commitment, body_of, commitments, with_surroundings
from megascience.scoring.math.numerals import gives_alternatives
from megascience.scoring.model import CLOSED, KINDS, Extraction
from megascience.scoring.text.choices import lists_letters
from megascience.scoring.text.markup import fold
from megascience.scoring.text.thoughts import without_thought

#: Where a completion goes on with a problem of its own, or with the marks of a chat.
_NEXT_PROBLEM = re.compile(
    r"\n\s{0,40}(?:#{1,6}\s{0,9})?(?:\*\*)?(?:(?:(?:new |next )?(?:question|problem|exercise|q)\s{0,9}"
    r"(?:\d{0,9}\s{0,9}[:.]|\d{1,9}\s{0,9}(?:\*\*)?\n))|(?:human|user|instruction)\s{0,9}:|<\|(?:im_start|user)\|>)",
    re.IGNORECASE,
)
_END_MARK = re.compile(r"</s>|\[INST\]|<\|(?:im_end|im_start|endoftext|eot_id|end|end.of.sentence)\|>", re.IGNORECASE)


def _next_problem(text: str, start: int, stop: int) -> int | None:
    """Return where a completion goes on with something else, or None."""
    found = [m.start() for pattern in (_NEXT_PROBLEM, _END_MARK) if (m := pattern.search(text, start, stop))]
    return min(found, default=None)


#: A longer completion is first looked at from so many characters before its end: the last statement wins.
_END = 2_500
#: So many places that state an answer are read, from the last one back; where none of them can be, none could.
_ATTEMPTS = 40
_NOTES = re.compile(r"<<[^<>\n]{0,200}?[\d=][^<>\n]{0,200}>>")


#: Longer white space says no more than this many of its characters.
_KEPT = 32
_RUN = re.compile(rf"\s{{{_KEPT + 1},}}")


def _moved(found: Extraction, text: str) -> Extraction:
    """Return an extraction from a text with its runs of white space cut short, with the span in the text itself."""
    if found.span is None:
        return found
    start, end = found.span
    for run in _RUN.finditer(text):
        cut = len(run[0]) - _KEPT
        start += cut * (start >= run.start() + _KEPT)
        end += cut * (end > run.start() + _KEPT)
    return Extraction(found.answer, found.rule, (start, end))


def extract(completion: str, kind: str, options: Sequence[str] | None = None) -> Extraction:
    """Return the answer that a completion commits itself to.

    Args:
        completion: a model's whole output; only its end is searched where it is very long.
        kind: one of `KINDS`. `auto` reads an answer of any mathematical or textual form.
        options: the texts of the options of a `choice` or `multi_choice` question, in order.

    Returns:
        The answer as text with the name of the rule that found it; `answer` is None where the completion commits
        itself to nothing that can be read as this kind. For choices the answer is a letter ("C", "A,C").

    Raises:
        ValueError: the kind does not exist.
    """
    if kind not in KINDS:
        raise ValueError(f"no answer kind {kind!r}; use one of {', '.join(KINDS)}")
    if not completion or not completion.strip():
        return Extraction(None, "empty")
    answered = without_thought(completion)
    if answered is None:
        return Extraction(None, "unfinished_thought")
    completion = fold(answered).replace("\\$", "  ")  # a currency sign must not open a formula; spans stay right
    if "<<" in completion:  # a calculator's notes, <<9*2=18>>18
        completion = _NOTES.sub(lambda m: " " * len(m[0]), completion)
    if _RUN.search(completion):  # a completion that ends in a loop; patterns take quadratic time in such a run
        return _moved(extract(_RUN.sub(lambda m: m[0][:_KEPT], completion), kind, options), completion)
    try:
        with limited(EXTRACTION):
            return _extracted(completion, kind, options)
    except OutOfSteps:
        return Extraction(None, "too much work")


def _extracted(completion: str, kind: str, options: Sequence[str] | None) -> Extraction:
    start, stop = body_of(completion)
    read = reader_for(kind, options)
    cut = _next_problem(completion, start, stop)
    ends = [cut, stop] if cut is not None and completion[start:cut].strip() else [stop]
    for end in ends:
        if kind == "multi_choice" and (right := sorted_out(completion[start:end], read, options)):
            return Extraction(right, "sorted list", (max(start, end - 600), end))
        for begin in _beginnings(completion, start, end):
            for every in (False, True) if kind == "choice" else (True,):
                stated = commitments(completion, begin, end, kind, options, every)
                found = _last_of(stated, completion, end, kind, options, read)
                if found is not None:
                    return found
        found = fallback(completion, start, end, kind, options, read, bool(stated))
        if found is not None:
            return found
    return Extraction(None, "no answer found")


def _beginnings(text: str, start: int, end: int) -> list[int]:
    """Return from where a completion is looked at: near its end first, where it is long, and then as a whole."""
    if end - start < 2 * _END:
        return [start]
    line = text.rfind("\n", end - 2 * _END, end - _END)
    return [line + 1 if line >= 0 else end - _END, start]


def _last_of(
    stated: list[Commitment], completion: str, end: int, kind: str, options: Sequence[str] | None, read: Reader
) -> Extraction | None:
    """Return the last statement that can be read, or why it does not count; None where none can be."""
    for position in range(len(stated) - 1, max(-1, len(stated) - 1 - _ATTEMPTS), -1):
        commitment = stated[position]
        answer = read(commitment.text, commitment.delimited)
        if answer is None and kind == "choice" and lists_letters(commitment.text, len(options or range(26))):
            return Extraction(None, "several options", (commitment.start, commitment.end))
        if answer is None and kind in ("number", "quantity") and gives_alternatives(commitment.text):
            return Extraction(None, "several answers", (commitment.start, commitment.end))
        if answer is not None:
            for outer in stated[:position] + stated[position + 1 :]:
                # what stands inside a statement of the answer explains it ("D. A is false but B is true")
                if outer.start < commitment.start and commitment.end <= outer.end and not commitment.delimited:
                    whole = read(outer.text, outer.delimited)
                    if whole is not None:
                        commitment, answer = outer, whole
                        break
            place = (commitment.start, commitment.end)
            said = commitment.end - 1 if commitment.delimited else commitment.start
            around = completion
            if kind == "choice" and options:  # what the option's own text says takes nothing back
                around = _without_text(completion, *place, options[ord(answer) - 65].strip())
            if taken_back(around, said, commitment.end - 1, end):
                return Extraction(None, "retracted", place)
            if conditional(around, *place, end, kind in CLOSED):
                return Extraction(None, "conditional", place)
            if commitment.rule == "box" and kind not in CLOSED and kind != "text":
                answer = with_surroundings(completion, commitment.start, commitment.end, answer)
            return Extraction(answer, commitment.rule, place)
    return None


def _without_text(completion: str, start: int, end: int, option: str) -> str:
    """Return a completion with blanks in place of an option's text at (or right behind) the place that states it."""
    at = completion.find(option, start, end + len(option) + 8) if len(option) > 2 else -1
    return completion if at < 0 else completion[:at] + " " * len(option) + completion[at + len(option) :]
