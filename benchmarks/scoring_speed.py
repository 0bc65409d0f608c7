"""Scores a second on one core, by kind and by length of the completion, beside Math-Verify in the same run.

    PYTHONPATH=workflow/scripts python benchmarks/scoring_speed.py [CASES_DIR]

CASES_DIR (default tests/data/scoring) holds the labelled cases. Each completion is brought to 200, 2,000 and 20,000
characters by reasoning before it. Caches are cleared before each pass, so that repeated answers do not count as
speed; each kind is timed over the same cases for both, as often as fills the time (of the processor, which a busy
machine does not falsify).
"""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from megascience.scoring import score
from megascience.scoring.comparison import compare as comparison
from megascience.scoring.extraction import options
from megascience.scoring.math import numerals, units
from megascience.scoring.math import parser as grammar
from megascience.scoring.text import choices

CACHES = (
    choices.read_letter, choices.read_letters, choices.read_boolean, choices.read_yes_no_maybe, comparison.kind_of,
    grammar.parse, numerals.read_number, options._quantity, units.read_unit,
)  # fmt: skip
SECONDS = 1.0
SIZES = (200, 2_000, 20_000)
CASES = 60
#: Math-Verify decides these kinds; the others are timed alone.
PEERS = ("choice", "number", "expression", "equation", "set", "tuple", "interval", "matrix")
REASONING = (
    "Let us work through the problem carefully and write down what is given. First, the energy is conserved because no "
    "heat leaves the box; thus the sum stays the same. Next we substitute: $E = \\frac{1}{2} m v^2 = 0.5 \\cdot 2 "
    "\\cdot 9 = 9$ J. Option A ignores the friction, and option B has the wrong sign. The most common mistake is to "
    "forget the factor of two. Completing the square gives $(x-3)^2 = 4$, so that $x = 3 \\pm 2$, and we check each "
    "root in turn.\n\n"
)


def cold() -> None:
    """Forget all answers seen so far (imports stay loaded, as in a long run)."""
    for function in CACHES:
        function.cache_clear()


def rate(work: Callable[[dict[str, Any]], Any], cases: list[dict[str, Any]]) -> float:
    """Return how many cases a second `work` does, over whole passes that fill `SECONDS`."""
    work(cases[0])
    done, spent = 0, 0.0
    while spent < SECONDS:
        cold()
        started = time.process_time()
        for case in cases:
            work(case)
        spent += time.process_time() - started
        done += len(cases)
    return done / spent


def lengthened(case: dict[str, Any], size: int) -> dict[str, Any]:
    """Return a case whose completion has about so many characters, with its own text at the end."""
    missing = size - len(case["completion"])
    before = (REASONING * (missing // len(REASONING) + 1))[:missing] + "\n\n" if missing > 0 else ""
    return {**case, "completion": before + case["completion"]}


def main() -> None:
    """Print a line a kind and size."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
    from math_verify import parse, verify

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/scoring")
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            if len(case.get("completion", "")) in range(1, min(SIZES)):
                by_kind[case["kind"]].append(case)

    def ours(case: dict[str, Any]) -> Any:
        return score(case["completion"], case["reference"], case["kind"], case.get("options"), case.get("unit"))

    def theirs(case: dict[str, Any]) -> None:
        verify(parse(f"${case['reference']}$"), parse(case["completion"]))

    print(f"{'kind':15}{'characters':>12}{'ours/s':>10}{'Math-Verify/s':>15}")
    for kind, cases in sorted(by_kind.items()):
        for size in SIZES:
            texts = [lengthened(case, size) for case in cases[:CASES]]
            other = f"{rate(theirs, texts[:20]):15.0f}" if kind in PEERS else ""
            print(f"{kind:15}{size:>12}{rate(ours, texts):>10.0f}{other}", flush=True)


if __name__ == "__main__":
    main()
