"""A copy of the checkout to run Snakemake in, so that a test may edit what it likes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")


class Checkout:
    """A copy of the files that git knows or would take, with a way to run Snakemake in it.

    Attributes:
        environment: variables that Snakemake gets beside those of the tests.
    """

    environment: dict[str, str] = {}

    def __init__(self, root: Path) -> None:
        self.root = root
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for name in filter(None, listed.decode().split("\0")):
            source, target = ROOT / name, root / name
            if not source.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)

    def copy(self, root: Path) -> "Checkout":
        """Return a copy with all that was computed in it, times of files included."""
        shutil.copytree(self.root, root, symlinks=True)
        twin = object.__new__(Checkout)
        twin.root = root
        return twin

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(SNAKEMAKE), *arguments],
            cwd=self.root,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if check and done.returncode:
            pytest.fail(f"snakemake {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def jobs(self, *arguments: str) -> dict[str, list[str]]:
        """Return rule → wildcards of the jobs that a dry-run would run."""
        out = self.snakemake("--dry-run", *arguments)
        jobs: dict[str, list[str]] = {}
        rule = None
        for line in (out.stdout + out.stderr).splitlines():
            if line.startswith(("rule ", "localrule ")):
                rule = line.split()[1].rstrip(":")
                jobs.setdefault(rule, []).append("")
            elif line.startswith("    wildcards: ") and rule:
                jobs[rule][-1] = line.removeprefix("    wildcards: ")
        jobs.pop("all", None)
        return jobs

    def inputs(self, *arguments: str) -> dict[str, list[list[str]]]:
        """Return rule → the input files of each job that a dry-run would run."""
        out = self.snakemake("--dry-run", *arguments)
        inputs: dict[str, list[list[str]]] = {}
        rule = None
        for line in (out.stdout + out.stderr).splitlines():
            if line.startswith(("rule ", "localrule ")):
                rule = line.split()[1].rstrip(":")
                inputs.setdefault(rule, [])
            elif line.startswith("    input: ") and rule:
                inputs[rule].append(line.removeprefix("    input: ").split(", "))
        return inputs

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
