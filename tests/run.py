"""Runs all tests, or the quick ones: the one place that knows with which options, in which order and what side by side.

Usage: tests/run.py [all | quick], in the environment that the tests need. CORES says how many workers (all CPUs).
Each step is a pytest of its own; its output ends with pytest's closing line. Steps of one lane follow each other, lanes
run side by side: jobs on a cluster mostly wait. The output of each step is printed whole, in the order below.
"""

import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]
WORKERS = ("-n", os.environ.get("CORES") or str(os.cpu_count() or 1), "--dist", "loadfile")
VLLM = {"MEGASCIENCE_VLLM_PYTHON": str(ROOT / ".venv/vllm/bin/python")}


@dataclass(frozen=True)
class Step:
    """One call of pytest.

    Attributes:
        title: what is tested.
        options: pytest's arguments.
        environment: variables that the tests read.
    """

    title: str
    options: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def _marked(expression: str) -> tuple[str, str]:
    return "-m", f"{expression} and not slow"


# Whole runs of the workflow first: a long file that comes last would keep one worker busy alone.
NO_MODEL = Step(
    "without models and clusters",
    (*WORKERS, "--no-loadscope-reorder", *_marked("not model and not cluster"), "tests/workflow", "tests/unit"),
)
CLUSTER = Step("on a SLURM of their own", ("-rs", *_marked("cluster and not model"), "tests/cluster"))
MODEL = Step("with models", _marked("model"), VLLM)
#: For every save: what takes milliseconds, and dry-runs of what the project ships.
QUICK = Step(
    "quick",
    (*WORKERS, *_marked("not model and not cluster and not network and not long"), "tests/unit", "tests/workflow"),
)
#: Lanes that run side by side. The one test of a cluster with a model waits for the other lane by a lock.
LANES = {"all": ((NO_MODEL, MODEL), (CLUSTER,)), "quick": ((QUICK,),)}


def main() -> int:
    if (name := (sys.argv[1:] or ["all"])[0]) not in LANES or len(sys.argv) > 2:
        print(f"usage: {sys.argv[0]} [{' | '.join(LANES)}]", file=sys.stderr)
        return 2
    return run(LANES[name])


def run(lanes: tuple[tuple[Step, ...], ...]) -> int:
    """Run lanes side by side; return 0 if all steps passed, else the status of the first that did not.

    The first lane is printed as it goes, the others when it is done.
    """
    statuses: dict[int, list[int]] = {number: [] for number in range(len(lanes))}
    with tempfile.TemporaryDirectory() as folder:
        outputs = [open(Path(folder, str(number)), "w+b") for number in range(1, len(lanes))]
        beside = [
            threading.Thread(target=_lane, args=(lane, statuses[number], output))
            for (number, lane), output in zip(list(enumerate(lanes))[1:], outputs, strict=True)
        ]
        for thread in beside:
            thread.start()
        _lane(lanes[0], statuses[0], sys.stdout.buffer)
        for thread, output in zip(beside, outputs, strict=True):
            thread.join()
            output.seek(0)
            sys.stdout.buffer.write(output.read())
            output.close()
        sys.stdout.flush()
    return next((status for lane in statuses.values() for status in lane if status), 0)


def _lane(steps: tuple[Step, ...], statuses: list[int], output: IO[bytes]) -> None:
    """Run steps one after the other, also after one that failed, and note their statuses."""
    for step in steps:
        output.write(f"\n--- tests {step.title}\n".encode())
        output.flush()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *step.options],
            cwd=ROOT,
            env={**os.environ, **step.environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        statuses.append(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
