"""Agreement with Math-Verify on the labelled cases and on references, and who is right where they differ.

    .venv/main/bin/python benchmarks/scoring_agreement.py [--references math500.jsonl] [--show N]

Only kinds that Math-Verify reads are compared: numbers, expressions, equations, sets, tuples, intervals, matrices.
Math-Verify gets the reference as `$reference$`, and the candidate in the same form or the completion as it is.
Every reference of a references file is compared with itself, with itself in decimals where it is a fraction, and
with the next different reference (which must not be equal).
"""

import argparse
import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

from math_verify import parse, verify
from megascience.scoring import compare, score

KINDS = ("number", "expression", "equation", "set", "tuple", "interval", "matrix")


def ours(case: dict[str, Any]) -> bool:
    """Return whether this project's scorer calls the answer correct."""
    if "completion" in case:
        return score(case["completion"], case["reference"], case["kind"], case.get("options"), case.get("unit")).correct
    return compare(case["candidate"], case["reference"], case["kind"], unit=case.get("unit")).correct


def theirs(case: dict[str, Any]) -> bool:
    """Return whether Math-Verify calls the answer correct."""
    answer = case.get("completion") or f"${case['candidate']}$"
    return bool(verify(parse(f"${case['reference']}$", parsing_timeout=5), parse(answer, parsing_timeout=5)))


def report(name: str, cases: list[dict[str, Any]], show: int) -> None:
    """Print how often the two agree with each other and with the labels."""
    table: Counter[tuple[bool, bool, bool]] = Counter()
    differing = []
    for case in cases:
        truth, a, b = case["label"] == "correct", ours(case), theirs(case)
        table[truth, a, b] += 1
        if a != b:
            differing.append((case, truth, a))
    n = len(cases)
    agree = sum(v for (_, a, b), v in table.items() if a == b)
    right_a = sum(v for (t, a, _), v in table.items() if a == t)
    right_b = sum(v for (t, _, b), v in table.items() if b == t)
    print(f"\n{name}: {n} cases, {agree} agree")
    print(f"{'':14}{'right':>8}{'wrong taken for right':>24}{'right taken for wrong':>24}")
    for who, index, right in (("ours", 1, right_a), ("Math-Verify", 2, right_b)):
        taken = sum(v for k, v in table.items() if k[index] and not k[0])
        missed = sum(v for k, v in table.items() if not k[index] and k[0])
        print(f"{who:14}{right / n:>8.1%}{taken:>24}{missed:>24}")
    won = sum(a == truth for _, truth, a in differing)
    print(f"where they differ ({len(differing)}): ours right {won}, Math-Verify right {len(differing) - won}")
    for case, truth, a in [d for d in differing if d[2] != d[1]][:show]:
        answer = case.get("completion", case.get("candidate"))
        print(f"  {case['kind']}: {answer!r} against {case['reference']!r}: ours {a}, labelled {truth}")


def reference_cases(path: Path) -> list[dict[str, Any]]:
    """Return comparisons made from a file of references, with their labels."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    answers = [row["answer"] for row in rows]
    plain = [
        answer.replace("x=", "").replace(" ", "").replace("\\!", "").replace("\\left", "").replace("\\right", "")
        for answer in answers
    ]
    cases = []
    for i, answer in enumerate(answers):
        common = {"kind": "expression", "reference": answer}
        cases.append({**common, "candidate": answer, "label": "correct"})
        cases.append({**common, "completion": f"So the answer is $\\boxed{{{answer}}}$.", "label": "correct"})
        other = next(k % len(answers) for k in range(i + 1, i + len(answers)) if plain[k % len(answers)] != plain[i])
        cases.append({**common, "candidate": answers[other], "label": "wrong"})
    return cases


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=Path, default=Path("tests/data/scoring"))
    parser.add_argument("--references", type=Path)
    parser.add_argument("--show", type=int, default=30)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    lines = [line for path in sorted(arguments.cases.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    cases = [case for case in map(json.loads, lines) if case["kind"] in KINDS]
    report("comparisons", [case for case in cases if "candidate" in case], arguments.show)
    report("completions", [case for case in cases if "completion" in case], arguments.show)
    if arguments.references:
        report(arguments.references.name, reference_cases(arguments.references), arguments.show)


if __name__ == "__main__":
    main()
