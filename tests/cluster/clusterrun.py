"""Runs of the workflow that are submitted to the test cluster, and what became of them."""

import json
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from checkout import SNAKEMAKE
from megascience.inference.journal.journal import Journal
from minicluster import Cluster, run
from waiting import IN_VAIN, wait_until

CONFIG = ("config/demo.yaml", "tests/data/canned/config.yaml", "tests/data/cluster/config.yaml")
#: Requests that the canned engine has in flight, and answers that it gives before it waits for `let_go`.
IN_FLIGHT, ANSWERED = 2, 3
#: What a model stage keeps of its one shard: raw completions, made by one job on a GPU node.
COMPLETIONS = "results/cluster/extract/economics/000.completions.parquet"
JOURNAL = "results/cluster/journal/extract/economics/000.jsonl"
#: The file of a checkout by which the canned engine waits.
HOLD = "hold"


class Run:
    """A checkout whose Snakemake submits to a cluster.

    Args:
        root: the checkout.
        cluster: where its jobs run.
    """

    def __init__(self, root: Path, cluster: Cluster) -> None:
        self.root = root
        self.cluster = cluster
        self.processes: list[subprocess.Popen[str]] = []

    def command(self, *arguments: str) -> list[str]:
        # Status is asked for after 2 s, then 12 s, then 22 s: most jobs here take some ten seconds.
        quick = ("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5")
        return [str(SNAKEMAKE), *arguments, "--profile", "slurm", *quick, "--configfile", *CONFIG]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Snakemake; its output goes to `output` in the checkout."""
        with open(self.root / "output", "a") as output:
            process = subprocess.Popen(
                self.command(*arguments),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def finish(self, process: subprocess.Popen[str], status: int = 0, seconds: float = 2 * IN_VAIN) -> str:
        """Wait for Snakemake, check its status and return all output so far."""
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            code = "no end"
        if (code == 0) != (status == 0) or code == "no end":
            pytest.fail(f"snakemake ended with {code}, not {status}:\n{self.output()}\n{self.cluster.jobs()}")
        return self.output()

    def __call__(self, *arguments: str, status: int = 0) -> str:
        return self.finish(self.start(*arguments), status)

    def output(self) -> str:
        return (self.root / "output").read_text()

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        wait_until(self._gone, "jobs that were cancelled did not go")

    def _gone(self) -> bool:
        here = [line.split(" ", 1) for line in run("squeue", "-h", "-o", "%i %Z").splitlines()]
        mine = [job for job, folder in here if folder == str(self.root)]
        if mine:
            run("scancel", *mine, check=False)
        return not mine

    def hold(self, answers: int = ANSWERED) -> None:
        """Let the engine of each job give so many answers, and then wait with its requests in flight until `let_go`."""
        (self.root / HOLD).write_text(f"{answers}\n")
        config = self.root / CONFIG[-1]
        settings = yaml.safe_load(config.read_text())
        settings["serving"] = {"canned": {"concurrency": IN_FLIGHT, "hold": HOLD}}
        config.write_text(yaml.safe_dump(settings))

    def let_go(self) -> None:
        """Let all jobs that wait, now or later, go on to their end."""
        (self.root / HOLD).unlink(missing_ok=True)

    def wait_for_requests(self, number: int) -> None:
        """Wait until the engine has been sent at least so many requests."""
        wait_until(lambda: len(self.requests()) >= number, f"{number} requests were not sent")

    def requests(self) -> list[str]:
        """Return the keys of all requests that the engine got, repeated ones repeatedly."""
        path = self.root / "requests.jsonl"
        return [json.loads(line)["key"] for line in path.read_text().splitlines()] if path.exists() else []

    def job(self, rule: str, states: str = "RUNNING") -> dict[str, str]:
        """Wait for a job of a rule in one of some states (joined by |) and return the latest one."""
        found: list[dict[str, str]] = []

        def there() -> bool:
            found[:] = [job for job in self.jobs(rule) if job["state"] in states.split("|")]
            return bool(found)

        wait_until(there, f"no job of {rule} was {states}")
        return found[0]

    def jobs(self, rule: str = "") -> list[dict[str, str]]:
        """Return this run's jobs of a rule, or all, the latest first."""
        jobs = [job for job in self.cluster.jobs() if job["folder"] == str(self.root)]
        return [job for job in jobs if not rule or job["comment"].startswith(f"rule_{rule}_wildcards")]

    def starts(self) -> int:
        """Return how often an engine began to ask, as the journal has it: once for each job that came so far, and
        again for each time that SLURM put a job back into the queue, which keeps its number."""
        with Journal(self.root / JOURNAL) as journal:
            return len(journal.sessions)

    def check(self, starts: int | None = None) -> None:
        """Check that each chunk has one completion at each standard, and that none but what was in flight when an
        engine was ended is asked again.

        Args:
            starts: how often an engine must have begun to ask; any number unless given.
        """
        chunks = pq.read_table(self.root / "results/cluster/chunk/economics/000.parquet")["chunk_id"].to_pylist()
        completions = pq.read_table(self.root / COMPLETIONS)
        assert Counter(completions["id"].to_pylist()) == dict.fromkeys(chunks, 2)
        asked = Counter(self.requests())
        assert len(asked) == 2 * len(chunks) > 2 * IN_FLIGHT
        began = self.starts()
        assert starts in (None, began)
        assert sum(asked.values()) - len(asked) <= IN_FLIGHT * (began - 1)
