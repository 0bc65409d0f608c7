"""A copy of the checkout to run Snakemake in, so that a test may edit what it likes."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNAKEMAKE = Path(sys.executable).with_name("snakemake")

_servers: list[subprocess.Popen[str]] = []


def snakemake(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in a folder, by a process that has it imported (snakemake_server.py).

    Args:
        environment: variables beside those of this process.
    """
    if not _servers:
        server = Path(__file__).with_name("snakemake_server.py")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        _servers.append(subprocess.Popen([sys.executable, server], **pipes))
    (server,) = _servers
    assert server.stdin and server.stdout
    with tempfile.TemporaryDirectory() as place:
        streams = {name: Path(place, name) for name in ("stdout", "stderr")}
        command = [str(SNAKEMAKE), *arguments]
        request = {"command": command, "folder": str(folder), "environment": {**os.environ, **environment}}
        print(json.dumps({**request, **{name: str(path) for name, path in streams.items()}}), file=server.stdin)
        server.stdin.flush()
        status = int(server.stdout.readline())
        out, err = (path.read_text(encoding="utf-8") for path in streams.values())
    return subprocess.CompletedProcess(command, status, out, err)


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
        done = snakemake(self.root, self.environment, *arguments)
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
