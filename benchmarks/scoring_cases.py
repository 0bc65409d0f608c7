"""Verdicts on labelled cases: accuracy and wrong answers that were paid, by source of the cases and by kind.

    .venv/main/bin/python benchmarks/scoring_cases.py FILE.jsonl... [--show N] [--by kind|source]

A case has `completion` (or `candidate`), `reference`, `kind`, perhaps `options` and `unit`, and `expected` (or
`label`): "correct", "wrong" or "unreadable". The last two count as one, since neither pays. Cases that are marked
`debatable` are counted apart.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from megascience.scoring import Score, Verdict, compare, score


def verdict(case: dict[str, Any]) -> Score | Verdict:
    """Return the scorer's verdict on a case."""
    if "completion" in case:
        return score(case["completion"], case["reference"], case["kind"], case.get("options"), case.get("unit"))
    return compare(case["candidate"], case["reference"], case["kind"], unit=case.get("unit"))


def main() -> int:
    """Print one line a group and the misses; return 1 where a wrong answer was paid."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--show", type=int, default=0, help="misses to print")
    parser.add_argument("--by", choices=("kind", "source"), default="kind", help="what the lines are for")
    arguments = parser.parse_args()
    cases = [json.loads(line) for path in arguments.files for line in path.read_text(encoding="utf-8").splitlines()]
    groups: dict[str, Counter[str]] = {}
    shown = 0
    started = time.process_time()
    for case in cases:
        found = verdict(case)
        right = (found.label == "correct") == (case.get("expected", case.get("label")) == "correct")
        names = ("all", "debatable") if case.get("debatable") else ("all", "undebated", str(case[arguments.by]))
        for name in names:
            counts = groups.setdefault(name, Counter())
            counts["n"] += 1
            counts["right"] += right
            counts["paid"] += not right and found.label == "correct"
        if not right and shown < arguments.show:
            shown += 1
            what = "PAID" if found.label == "correct" else "refused"
            said = case.get("completion", case.get("candidate"))
            options = f" options {case['options']}" if case.get("options") else ""
            note = " debatable" if case.get("debatable") else ""
            unit = f" in {case['unit']}" if case.get("unit") else ""
            print(f"{what}{note} [{case['kind']}] {said!r} against {case['reference']!r}{options}{unit}")
            print(f"    {found}  {case.get('source', '')}")
    spent = time.process_time() - started
    print(f"{'group':40}{'cases':>7}{'right':>9}{'wrong ones paid':>18}")
    for name, counts in groups.items():
        print(f"{name:40}{counts['n']:>7}{counts['right'] / counts['n']:>9.1%}{counts['paid']:>18}")
    print(f"{spent:.1f} s of processor time")
    return int(groups.get("undebated", Counter())["paid"] > 0)


if __name__ == "__main__":
    sys.exit(main())
