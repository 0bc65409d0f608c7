"""Work: it is counted, so that verdicts are the same beside busy processes, and it grows no faster than the text."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from megascience.scoring import budget, compare, extract
from waiting import cpu_limit

ROOT = Path(__file__).parents[3]
LIBRARY = ROOT / "workflow" / "scripts"
#: What patterns and parsers look for; a completion that repeats it is what a model in a loop writes.
PIECES = [
    "a = 0, b = 1, ", "***\n", "A, B, C, D, ", "therefore ", "\\(", "\\[", "\\boxed{", "$", "(", "{", "</answer>",
    "<answer>", "####", "| A | B |\n", "the answer is ", "option B ", "is correct ", "5 ± 2 ", "1,", "-", "^", "_",
    "\\frac{1}{", "x=1, ", "\\text{", "= ", "≤ ", "A or B ", "答案是", "(A) ", "A. ", "# ", "1 h 30 min ",
    "\\sum_{k=1}^",
    "\\int_0^1 ", "10^", "if ", "otherwise ", "not ", "wait, that is wrong ", "I would say ", "%", "\\\\", "\u2003",
    "0x", "…", "Correct: A\n", "most people ", "to the power of ", "<<1=1>>", "|", "A\\\\B", "\n \n", "So 1 is 2 ",
]  # fmt: skip
LONG = 300_000
#: Together some two seconds of processor time on an idle machine; a quadratic pattern takes minutes for one piece.
CPU_SECONDS = 60
KINDS = ("choice", "multi_choice", "boolean", "number", "quantity", "expression", "text")


@pytest.mark.parametrize("kind", KINDS)
def test_extraction_takes_time_in_proportion_to_the_text(kind):
    options = ["red", "green", "blue", "black"] if "choice" in kind else None
    with cpu_limit(CPU_SECONDS):
        for piece in PIECES:
            extract(piece * (LONG // len(piece)), kind, options)


@pytest.mark.parametrize("kind", KINDS)
def test_comparison_of_anything_is_bounded(kind):
    with cpu_limit(CPU_SECONDS):
        for piece in PIECES:
            text = piece * (3_900 // len(piece))
            assert not compare(text, "7 m" if kind == "quantity" else "x^2+1", kind).correct
            compare(text, text[:-1], kind)


SCORE_ALL = """
import json, sys
from megascience.scoring import score
for line in open(sys.argv[1], encoding="utf-8"):
    case = json.loads(line)
    found = score(case["completion"], case["reference"], case["kind"], case.get("options"), case.get("unit"))
    print(json.dumps([found.label, found.reason, found.extraction.answer, found.extraction.rule]))
"""


def test_verdicts_are_the_same_beside_busy_processes_and_in_any_number_of_processes(tmp_path):
    folder = ROOT / "tests" / "data" / "scoring"
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines()]
    cases = [line for line in lines if "completion" in json.loads(line)][::2]
    heavy = [("\\int_0^1 " * 4 + "\\sin(x+y+z+u)\\,dx\\,dy\\,dz\\,du", "1"), ("(x+y+z)^{12}", "(x+z+y)^{12}"),
             ("\\sum_{k=1}^{2500} k^{3}", "1"), ("\\lim_{x\\to0}\\frac{\\sin x}{x}", "1")]  # fmt: skip
    cases += [json.dumps({"completion": f"\\boxed{{{a}}}", "reference": b, "kind": "expression"}) for a, b in heavy]
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(cases), encoding="utf-8")

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", SCORE_ALL, str(path)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": str(LIBRARY)})

    alone = start().communicate()[0]
    assert alone.count(b"\n") == len(cases)
    together = [start() for _ in range(4)]  # each is a busy process beside the others
    assert [process.communicate()[0] for process in together] == [alone] * 4


def test_steps_are_counted_and_a_limit_inside_another_has_steps_of_its_own():
    budget.spend(10**9)  # without a limit nothing is counted
    with budget.limited(5):
        budget.spend(3)
        with budget.limited(100):
            budget.spend(90)
        budget.spend(2)
        with pytest.raises(budget.OutOfSteps):
            budget.spend()


def test_what_was_read_before_changes_no_verdict():
    """A cache saves time and no steps: the first comparison ends as the second one does."""
    heavy = "\\int_0^1\\int_0^1\\int_0^1 \\cos(x+y+z)\\,dx\\,dy\\,dz"
    assert len({compare(heavy, "0.3", "expression") for _ in range(3)}) == 1
