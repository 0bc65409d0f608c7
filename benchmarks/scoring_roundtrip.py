"""Round trip of real benchmark files: adapters without loss, references right in five phrasings, others wrong.

    .venv/main/bin/python benchmarks/scoring_roundtrip.py DIR [--show N]

DIR holds benchmark files in their own formats (see FILES). Every row must become an item; every reference, fed back
as a completion in five common phrasings, must score correct, and a wrong answer in the same phrasings must not.
"""

import argparse
import sys
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from megascience.evaluation.items import load_items
from megascience.scoring import compare, score
from megascience.scoring.math.numerals import read_number

#: file -> (adapter, kind)
FILES = {
    "gsm8k.jsonl": ("gsm8k", "number"),
    "math500.jsonl": ("math500", "expression"),
    "scibench_physics.json": ("scibench", "quantity"),
    "scibench_chemistry.json": ("scibench", "quantity"),
    "scibench_math.json": ("scibench", "quantity"),
    "cs_bench_multiple_choice.json": ("cs_bench", "choice"),
    "cs_bench_assertion.json": ("cs_bench", "boolean"),
    "medmcqa.json": ("medmcqa", "choice"),
    "medqa_us.jsonl": ("medqa", "choice"),
    "pubmedqa.json": ("pubmedqa", "yes_no_maybe"),
    "piqa.json": ("piqa", "choice"),
    "mmlu_stem.jsonl": ("mmlu", "choice"),
    "super_gpqa_physics.json": ("super_gpqa", "choice"),
    "super_gpqa_chemistry.json": ("super_gpqa", "choice"),
    "super_gpqa_biology.json": ("super_gpqa", "choice"),
}

_LETTER = (
    "Let us go through the options.\n\nThe answer is \\boxed{{{a}}}.",
    "Several options look plausible, but only one agrees with the definition.\n\nThe answer is ({a}).",
    "**Answer: {a}**",
    "The first step rules out two options. Therefore, the correct answer is **{a}. {t}**",
    "So the final answer is $\\boxed{{\\text{{({a})}}}}$",
)
_WORD = (
    "We weigh the evidence.\n\nThe answer is \\boxed{{{a}}}.",
    "Considering all of this, the answer is {a}.",
    "**Answer: {a}**",
    "Final answer: {a}",
    "The result follows.\n\n#### {a}",
)
_MATH = (
    "We compute step by step.\n\nThe answer is \\boxed{{{a}}}.",
    "Adding the two parts gives the result. Therefore, the final answer is ${a}$.",
    "**Answer:** ${a}$",
    "The steps above give\n\\[ \\boxed{{{a}}} \\]",
    "#### {a}",
)


def phrasings(item: dict[str, Any], answer: str) -> list[str]:
    """Return five completions that state an answer of an item."""
    if item["kind"] == "choice":
        text = item["options"][ord(answer) - 65]
        return [phrase.format(a=answer, t=text) for phrase in _LETTER]
    forms = _MATH if item["kind"] in ("number", "quantity", "expression") else _WORD
    return [phrase.format(a=answer) for phrase in forms]


def wrong(item: dict[str, Any], items: list[dict[str, Any]], position: int) -> str:
    """Return an answer of the same kind that is not the reference."""
    answer, kind = item["answer"], item["kind"]
    if kind == "choice":
        return ascii_uppercase[(ord(answer) - 64) % len(item["options"])]
    if kind == "boolean":
        return "False" if answer == "True" else "True"
    if kind == "yes_no_maybe":
        return {"yes": "no", "no": "maybe", "maybe": "yes"}[answer]
    number = read_number(answer)
    if number is not None and kind != "expression":
        value = float(number.value * Fraction(13, 10))
        return f"{value:.6g}" if value else "1"
    other = position
    while True:
        other = (other + 1) % len(items)
        if not compare(items[other]["answer"], answer, kind).correct:
            return items[other]["answer"]


def main() -> int:
    """Print one line a file and the failures; return 1 where a row or a verdict is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--show", type=int, default=20, help="failures to print")
    arguments = parser.parse_args()
    bad = 0
    print(f"{'file':32}{'rows':>7}{'right of references':>22}{'right of wrong':>17}{'scores/s':>10}")
    for name, (adapter, kind) in FILES.items():
        path = arguments.folder / name
        if not path.exists():
            print(f"{name:32} not there")
            continue
        entry = {"name": name.split(".")[0], "source": {"path": str(path)}, "adapter": adapter, "kind": kind}
        items = load_items(entry, "")
        counts: Counter[str] = Counter()
        started = time.perf_counter()
        for position, item in enumerate(items):
            options, unit = item["options"] or None, item["unit"]
            for expected, answer in ((True, item["answer"]), (False, wrong(item, items, position))):
                for completion in phrasings(item, answer):
                    result = score(completion, item["answer"], item["kind"], options, unit, item["tolerance"])
                    counts["n", expected] += 1
                    counts["right", expected] += result.correct
                    if result.correct != expected:
                        bad += 1
                        if bad <= arguments.show:
                            print(f"  {completion!r} against {item['answer']!r} {unit or ''}: {result}")
        speed = sum(v for k, v in counts.items() if k[0] == "n") / (time.perf_counter() - started)
        shares = [f"{counts['right', e]} / {counts['n', e]}" for e in (True, False)]
        print(f"{name:32}{len(items):>7}{shares[0]:>22}{shares[1]:>17}{speed:>10.0f}")
    print("all as it must be" if not bad else f"{bad} verdicts are not as they must be")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
