"""tests/run.py: lanes run side by side, are printed in order, and one that fails fails the whole."""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from run import Step, run
first, second, beside = (Step(path, ("-p", "no:cacheprovider", "-c", "/dev/null", path)) for path in sys.argv[2:])
sys.exit(run(((first, second), (beside,))))
"""
#: A test that passes only while another one is under way.
MEETS = """
from pathlib import Path
from waiting import wait_until
def test_meeting():
    Path({mine!r}).touch()
    wait_until(Path({other!r}).exists, "the other lane does not run")
"""


@pytest.mark.parametrize("failing", [None, 0, 1, 2])
def test_lanes_run_side_by_side_and_any_failure_counts(tmp_path, failing):
    paths = [tmp_path / f"test_{name}.py" for name in ("first", "second", "beside")]
    flags = [str(tmp_path / name) for name in "ab"]
    paths[0].write_text(MEETS.format(mine=flags[0], other=flags[1]))
    paths[1].write_text("def test_second(): pass\n")
    paths[2].write_text(MEETS.format(mine=flags[1], other=flags[0]))
    if failing is not None:
        with open(paths[failing], "a") as file:
            file.write("def test_that_fails(): assert False\n")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(TESTS), *map(str, paths)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(TESTS / "unit"), "PATH": "/usr/bin:/bin"},
    )
    assert (done.returncode == 0) == (failing is None), done.stdout + done.stderr
    places = [done.stdout.index(f"--- tests {path}") for path in paths]
    assert places == sorted(places)
    parts = [done.stdout[start:end] for start, end in zip(places, [*places[1:], None], strict=True)]
    for number, part in enumerate(parts):
        closing = part.strip().splitlines()[-1]
        assert closing.startswith("1 failed, 1 passed" if number == failing else "1 passed"), part


def test_each_test_is_in_one_step_of_all():
    """What marks take out of one step, another one has."""
    sys.path.insert(0, str(TESTS))
    try:
        import run
    finally:
        sys.path.remove(str(TESTS))
    steps = [step for lane in run.LANES["all"] for step in lane]
    marks = [step.options[step.options.index("-m") + 1] for step in steps]
    for model in (False, True):
        for cluster in (False, True):
            known = {"model": model, "cluster": cluster, "slow": False}
            assert sum(bool(eval(mark, {}, known)) for mark in marks) == 1  # our own marks, no one else's text
