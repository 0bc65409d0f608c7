"""Safety: hostile answers end in a verdict after a bounded work and do nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest
from megascience.scoring import Verdict, compare, extract, score
from waiting import cpu_limit

#: What took 2 s of an idle machine's clock, with room for a slower one; quadratic work takes minutes.
CPU_SECONDS = 20
LIBRARY = Path(__file__).parents[3] / "workflow" / "scripts"

BOMBS = {
    "tower": "9**9**9",
    "latex tower": "9^{9^{9^{9}}}",
    "factorials": "((10!)!)!",
    "fractions": "\\frac{1}{" * 1000 + "2" + "}" * 1000,
    "roots": "\\sqrt{" * 300 + "2" + "}" * 300,
    "brackets": "(" * 5000 + "1" + ")" * 5000,
    "open braces": "{" * 100_000,
    "megabyte": "1" * 1_000_000,
    "long sum": "x+" * 100_000 + "1",
    "binomial": "\\binom{10^9}{10^8}",
    "sine": "\\sin(10^{10^5})",
    "exponent": "1e999999999",
    "determinant": "\\begin{vmatrix}" + "\\\\".join(["&".join(["x"] * 30)] * 30) + "\\end{vmatrix}",
    "power": "(x+y+z)^{500}",
    "unit tower": "7 m^{99999999}",
    "plus minus": "\\pm 1" * 300,
    "unions": "(1,2)\\cup" * 300 + "(3,4)",
    "nul": "\x00" * 100,
    "surrogate": "\ud800",
}


@pytest.fixture(scope="module", autouse=True)
def warm():
    """Load what is loaded once: the limits are those of a running process."""
    compare("\\int_0^1 x\\,dx", "\\frac12", "expression")


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
@pytest.mark.parametrize("kind", ["expression", "quantity", "auto"])
def test_bombs_end_in_time(bomb, kind):
    with cpu_limit(CPU_SECONDS):
        verdict = compare(bomb, "5", kind)
        extract("The answer is " + bomb, kind)
    assert verdict.label in ("wrong", "unreadable")


@pytest.mark.parametrize("kind", ["number", "quantity", "expression", "text", "auto"])
@pytest.mark.parametrize("reference", ["1" * 1_000_000, "-" * 1_000_000, "a " * 500_000])
def test_a_huge_reference_ends_in_time(reference, kind):
    with cpu_limit(CPU_SECONDS):
        assert compare("5", reference, kind).label in ("wrong", "unreadable")


#: Completions that repeat what the extraction looks for, as a model in a loop writes them.
LOOPS = {
    "phrases": "the answer is " * 14_000,
    "headings": "Answer\n" * 28_000,
    "boxes": "\\boxed{A}" * 20_000,
    "brackets": "(" * 90_000 + "5" + ")" * 90_000,
    "table": "| x " * 50_000,
    "marks": "A: \n" * 40_000,
    "copulas": "is " * 60_000,
    "assignments": "x=1, " * 40_000 + "y=2",
    "powers": "1.2 x 10-" * 20_000,
    "chinese": "答案是" * 60_000,
    "blank lines": "The answer\n" + "\n" * 200_000 + "Hm.",
    "spaces": "The correct" + " " * 200_000 + "choice",
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS.keys())
@pytest.mark.parametrize("kind", ["choice", "multi_choice", "boolean", "number", "expression", "text", "auto"])
def test_loops_end_in_time(loop, kind):
    with cpu_limit(CPU_SECONDS):
        extract(loop, kind, ["a", "b", "c", "d"] if "choice" in kind else None)


@pytest.mark.parametrize("code", [
    "__import__('os').system('touch {}')",
    "open('{}', 'w')",
    "().__class__.__base__.__subclasses__()",
    "exec(\"open('{}', 'w')\")",
    "\\input{{{}}}",
    "\\write18{{touch {}}}",
])  # fmt: skip
@pytest.mark.parametrize("kind", ["number", "expression", "equation", "text", "auto"])
def test_code_is_text(tmp_path, code, kind):
    target = tmp_path / "written"
    answer = code.replace("{}", str(target)) if "{{" not in code else code.format(target)
    assert not score(f"\\boxed{{{answer}}}", "5", kind).correct
    assert not compare(answer, "\\frac{1}{2}", kind).correct
    assert not target.exists()


def test_a_limit_of_steps_ends_in_the_same_verdict_each_time():
    text = "\\int_0^1 " * 6 + "\\sin(x+y+z+u+v+w)" + "\\,dx\\,dy\\,dz\\,du\\,dv\\,dw"
    with cpu_limit(CPU_SECONDS):
        verdicts = {compare(text, "1", "expression") for _ in range(2)}
    assert verdicts == {Verdict("unreadable", "too much work")}


def test_importing_and_scoring_letters_loads_nothing_heavy():
    code = (
        "import sys; from megascience.scoring import score; assert score('The answer is B.', 'B', 'choice').correct;"
        "assert score('The answer is 18.', '18', 'number').correct;"
        "heavy = ('sympy', 'mpmath', 'pint', 'numpy', 'pyarrow', 'latex2sympy2_extended');"
        "print([m for m in heavy if m in sys.modules])"
    )
    environment = {"PYTHONPATH": str(LIBRARY)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"
