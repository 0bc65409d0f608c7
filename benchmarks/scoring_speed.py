"""Scores a second on one core, by kind, and against Math-Verify's parse and verify in the same run.

    .venv/main/bin/python benchmarks/scoring_speed.py [CASES_DIR]

CASES_DIR (default tests/data/scoring) holds the labelled cases. Caches are cleared before each pass, so that
repeated answers do not count as speed; each kind is timed over its own cases, as often as fills two seconds of
processor time (which a busy machine does not falsify). The few cases that a worker process decides are left out of
these passes, since their time is spent elsewhere, and timed apart. Completions get a kilobyte of prose before them.
"""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from megascience.scoring import compare, score
from megascience.scoring.comparison import compare as comparison
from megascience.scoring.extraction import options
from megascience.scoring.math import numerals, units
from megascience.scoring.math import parser as grammar
from megascience.scoring.text import choices

CACHES = (
    choices.read_letter, choices.read_letters, choices.read_boolean, choices.read_yes_no_maybe, comparison.kind_of,
    grammar.parse, numerals.read_number, options._quantity, units.read_unit,
)  # fmt: skip
SECONDS = 2.0
PROSE = "We first recall the definitions and then work through the problem in several steps. " * 12


def cold() -> None:
    """Forget all answers seen so far (units and imports stay loaded, as in a long run)."""
    for function in CACHES:
        function.cache_clear()


def rate(work: Callable[[dict[str, Any]], Any], cases: list[dict[str, Any]]) -> float:
    """Return how many cases a second `work` does, over whole passes that fill `SECONDS`."""
    done, spent = 0, 0.0
    while spent < SECONDS:
        cold()
        started = time.process_time()
        for case in cases:
            work(case)
        spent += time.process_time() - started
        done += len(cases)
    return done / spent


def main() -> None:
    """Print a line a kind."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
    from math_verify import parse, verify

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/scoring")
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            if "completion" in case:
                case["completion"] = PROSE + "\n\n" + case["completion"]
                by_kind["completion: " + case["kind"]].append(case)
            else:
                by_kind["compare: " + case["kind"]].append(case)

    def ours(case: dict[str, Any]) -> Any:
        if "completion" in case:
            return score(case["completion"], case["reference"], case["kind"], case.get("options"), case.get("unit"))
        return compare(case["candidate"], case["reference"], case["kind"], unit=case.get("unit"))

    def theirs(case: dict[str, Any]) -> None:
        verify(parse(f"${case['reference']}$"), parse(case.get("completion") or f"${case['candidate']}$"))

    mathematical = ("number", "quantity", "expression", "equation", "set", "tuple", "interval", "matrix")
    worker: list[dict[str, Any]] = []
    print(f"{'cases':30}{'n':>6}{'ours/s':>10}{'Math-Verify/s':>15}")
    for kind, cases in sorted(by_kind.items()):
        far = [case for case in cases if "sympy" in ours(case).reason]  # also loads what is loaded once
        worker += far
        cases = [case for case in cases if case not in far]
        other = f"{rate(theirs, cases[:60]):15.0f}" if kind.split(": ")[1] in mathematical else ""
        print(f"{kind:30}{len(cases):>6}{rate(ours, cases):>10.0f}{other}", flush=True)
    if worker:
        started = time.perf_counter()
        for case in worker:
            ours(case)
        print(
            f"{'decided by a worker (wall)':30}{len(worker):>6}{len(worker) / (time.perf_counter() - started):>10.0f}"
        )


if __name__ == "__main__":
    main()
