"""Adapters: one small function a benchmark's format, from a row to an item.

An adapter returns the item's fields (`question`, `answer`, and where they apply `options`, `context`, `unit`,
`kind`, `tolerance`), a list of such items, or None for a row that is not an item of this benchmark. What it misses in
a row it reports by `KeyError` (a field is not there) or `Malformed` (a field has no usable value).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from megascience.scoring.math.numerals import read_number
from megascience.scoring.text.markup import boxes
from megascience.storage.ids import content_id

Row = Mapping[str, Any]
Item = dict[str, Any]
Adapter = Callable[[Row], Item | list[Item] | None]


class Malformed(ValueError):
    """A row's field has no usable value.

    Attributes:
        field: the field's name.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


def _letter(field: str, position: Any, options: Sequence[str]) -> str:
    if isinstance(position, bool) or not isinstance(position, int) or not 0 <= position < len(options):
        raise Malformed(field, f"is {position!r}, not the position of one of {len(options)} options")
    return ascii_uppercase[position]


def _choice(question: str, options: Sequence[Any], letter: Any, field: str, context: str = "") -> Item:
    texts = [str(option) for option in options]
    if letter not in ascii_uppercase[: len(texts)] or not letter or len(letter) != 1:
        raise Malformed(field, f"is {letter!r}, not a letter of one of {len(texts)} options")
    return {"question": question, "options": texts, "answer": letter, "context": context}


def _spread(question: str, options: Sequence[str]) -> list[str]:
    """Return options in an order that depends on the item's content alone, so that right answers spread evenly."""
    return sorted(options, key=lambda option: content_id(question, option))


def gsm8k(row: Row) -> Item:
    """The number after `####` of the worked answer, or the answer where it is the number alone."""
    return {"question": row["question"], "answer": row["answer"].split("####")[-1].strip()}


def math500(row: Row) -> Item:
    """Problem and LaTeX answer."""
    return {"question": row["problem"], "answer": row["answer"]}


def math(row: Row) -> Item:
    """The last box of the worked solution is the answer."""
    found = list(boxes(row["solution"]))
    if not found:
        raise Malformed("solution", "has no \\boxed answer")
    return {"question": row["problem"], "answer": row["solution"][found[-1][2] : found[-1][3]]}


def scibench(row: Row) -> Item:
    """A number, and its unit in LaTeX, often blank or with a power of ten in it."""
    number = str(row["answer_number"]).strip()
    if read_number(number) is None:
        raise Malformed("answer_number", f"is {number!r}, not a number")
    unit = row["unit"].replace("\r\n", " ").strip().strip("$").strip()
    return {"question": row["problem_text"].strip(), "answer": number, "unit": unit or None}


def cs_bench_choice(row: Row) -> Item:
    """Options in columns A to D."""
    letters = [letter for letter in ascii_uppercase[:10] if row.get(letter) is not None]
    return _choice(row["Question"], [row[letter] for letter in letters], row["Answer"], "Answer")


def cs_bench_assertion(row: Row) -> Item:
    """True or False."""
    if row["Answer"] not in ("True", "False"):
        raise Malformed("Answer", f"is {row['Answer']!r}, not True or False")
    return {"question": row["Question"], "answer": row["Answer"]}


def cs_bench(row: Row) -> Item | None:
    """Multiple choice and assertions by the row's format; cloze and open questions cannot be scored by rules."""
    if row["Format"] == "Multiple-choice":
        return {**cs_bench_choice(row), "kind": "choice"}
    if row["Format"] == "Assertion":
        return {**cs_bench_assertion(row), "kind": "boolean"}
    return None


def medmcqa(row: Row) -> Item:
    """Options opa to opd, the right one by position."""
    options = [row[field] for field in ("opa", "opb", "opc", "opd")]
    return _choice(row["question"], options, _letter("cop", row["cop"], options), "cop")


def medqa(row: Row) -> Item:
    """Options as a mapping from letter to text."""
    options = row["options"]
    if not isinstance(options, Mapping):
        raise Malformed("options", "is not a mapping from letter to text")
    letters = sorted(letter for letter, text in options.items() if text is not None)
    if letters != list(ascii_uppercase[: len(letters)]):
        raise Malformed("options", f"has the letters {', '.join(letters)}")
    return _choice(row["question"], [options[letter] for letter in letters], row["answer_idx"], "answer_idx")


def pubmedqa(row: Row) -> Item:
    """An abstract's sections as context; yes, no or maybe."""
    context = row["context"]
    sections = context["contexts"] if isinstance(context, Mapping) else context
    if row["final_decision"] not in ("yes", "no", "maybe"):
        raise Malformed("final_decision", f"is {row['final_decision']!r}, not yes, no or maybe")
    return {"question": row["question"], "context": "\n\n".join(sections), "answer": row["final_decision"]}


def piqa(row: Row) -> Item:
    """A goal and two ways to it."""
    options = [row["sol1"], row["sol2"]]
    return _choice(row["goal"], options, _letter("label", row["label"], options), "label")


def mmlu(row: Row) -> Item:
    """Options and a letter, or `choices` and a position."""
    options = row["choices"] if "choices" in row else row["options"]
    answer = row["answer"]
    return _choice(row["question"], options, answer if isinstance(answer, str) else _letter("answer", answer, options),
                   "answer")  # fmt: skip


def mmlu_pro(row: Row) -> Item:
    """Up to ten options."""
    return _choice(row["question"], row["options"], row["answer"], "answer")


def super_gpqa(row: Row) -> Item:
    """Up to ten options."""
    return _choice(row["question"], row["options"], row["answer_letter"], "answer_letter")


def gpqa(row: Row) -> Item:
    """The right option and three wrong ones, put into an order of the item's own."""
    question, right = row["Question"].strip(), row["Correct Answer"].strip()
    options = _spread(question, [right, *(row[f"Incorrect Answer {i}"].strip() for i in (1, 2, 3))])
    return _choice(question, options, ascii_uppercase[options.index(right)], "Correct Answer")


#: OlympicArena's answer types that rules can score; code and open answers (CODE, OT) are left out.
_OLYMPIC = {"SC": "choice", "MC": "multi_choice", "TF": "boolean", "NV": "quantity", "EX": "expression",
            "EQ": "equation", "SET": "set", "IN": "interval", "TUP": "tuple", "MPV": "tuple", "MA": "auto"}  # fmt: skip


def olympic_arena(row: Row) -> Item | None:
    """Typed answers; items with pictures or with an answer that rules cannot score are left out."""
    kind = _OLYMPIC.get(row["answer_type"])
    if kind is None or row.get("figure_urls") or row.get("modality", "text-only") != "text-only":
        return None
    answers = row["answer"] if isinstance(row["answer"], list) else [row["answer"]]
    answers = [str(answer).strip() for answer in answers if answer is not None]
    if not answers:
        return None  # the test split's answers are not public
    answer = answers[0] if len(answers) == 1 else "(" + ", ".join(answers) + ")"
    if kind == "multi_choice":
        answer = ",".join(answers)
    unit = row.get("unit")
    unit = unit.strip() if isinstance(unit, str) and unit.strip() else None
    if kind == "quantity" and unit is None:
        kind = "number"
    return {"question": row["problem"], "answer": answer, "unit": unit, "kind": kind}


def chembench(row: Row) -> list[Item]:
    """A number or a word with its tolerance, or options of which any number is right."""
    items = []
    for example in row["examples"]:
        question, scores = example["input"], example.get("target_scores")
        if scores:
            marks = json.loads(scores) if isinstance(scores, str) else dict(scores)
            options = _spread(question, [option for option, mark in marks.items() if mark is not None])
            right = [ascii_uppercase[i] for i, option in enumerate(options) if float(marks[option]) > 0]
            if not right:
                raise Malformed("examples", "has target_scores without a right option")
            items.append({"question": question, "options": options, "answer": ",".join(right), "kind": "multi_choice"})
            continue
        target = example.get("target")
        if target is None:
            raise Malformed("examples", "has neither target nor target_scores")
        target = str(target).strip()
        number = read_number(target) is not None
        tolerance = row.get("relative_tolerance")
        items.append({"question": question, "answer": target, "kind": "number" if number else "text",
                      "tolerance": (0.01 if tolerance is None else float(tolerance)) if number else None})  # fmt: skip
    return items


ADAPTERS: dict[str, Adapter] = {
    function.__name__: function
    for function in (
        chembench, cs_bench, cs_bench_assertion, cs_bench_choice, gpqa, gsm8k, math, math500, medmcqa, medqa, mmlu,
        mmlu_pro, olympic_arena, piqa, pubmedqa, scibench, super_gpqa,
    )
}  # fmt: skip
