"""Failures: from the log of the latest run to the jobs that failed in it, and the last lines of their own logs."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from megascience.storage.errors import InputError
from megascience.storage.text import printable

#: Lines of a job's log that are shown.
LAST_LINES = 8

_KEYS = ("message", "jobid", "output", "log", "external_jobid")
_STARTED = re.compile(r"Execute \d+ jobs|Error in rule ")
_RULER = 80 * "="
_CHECK = " (check log file(s) for error details)"


@dataclass
class Failure:
    """A job that failed and was not done since.

    Attributes:
        attempts: how often it failed.
        logs: its own log, and SLURM's where it ran there.
    """

    rule: str
    told: dict[str, str] = field(default_factory=dict)
    attempts: int = 1

    @property
    def logs(self) -> list[Path]:
        return [Path(name) for name in self.told.get("log", "").removesuffix(_CHECK).split(", ") if name]


def latest_log(folder: str | Path = ".snakemake/log") -> Path:
    """Return the log of the latest run in which a job was started; --dag, --unlock and the like leave logs, too.

    Raises:
        InputError: there is none.
    """
    for log in sorted(Path(folder).glob("*.snakemake.log"), reverse=True):
        if any(_STARTED.match(line) for line in _lines(log)):
            return log
    raise InputError(f"{folder}: there is no log of a run; go to the folder that snakemake runs in")


def failures(log: str | Path) -> list[Failure]:
    """Return the jobs that failed in a run and were not done later in it, in the order of their first failure."""
    open_jobs: dict[str, Failure] = {}
    for told in _blocks(_told_itself(_lines(log))):
        job = told.told.get("jobid", "")
        if told.rule:
            told.attempts += open_jobs[job].attempts if job in open_jobs else 0
            open_jobs[job] = told
        else:
            open_jobs.pop(job, None)
    return list(open_jobs.values())


def describe(log: str | Path) -> Iterator[str]:
    """Yield lines about each failed job: what it was to make, why it failed, and where its logs end."""
    found = failures(log)
    number = "1 job" if len(found) == 1 else f"{len(found)} jobs"
    yield f"{log}: {number} failed and not done since" if found else f"{log}: no job has failed for good"
    for failure in found:
        yield ""
        times = f", {failure.attempts} times" if failure.attempts > 1 else ""
        yield f"{failure.rule}{times}: {failure.told.get('output', 'no output')}"
        if (message := failure.told.get("message", "None")) != "None":
            yield f"  {message.partition('For further error')[0]}"
        for path in failure.logs:
            lines = _lines(path) if path.exists() else []
            yield f"  {path}" + ("" if lines else " (empty or gone)")
            yield from (f"    {printable(line)}" for line in lines[-LAST_LINES:])


def _lines(log: str | Path) -> list[str]:
    return Path(log).read_text(encoding="utf-8", errors="replace").splitlines()


def _told_itself(lines: list[str]) -> Iterator[str]:
    """Yield the lines of a run's log without the logs of failed jobs that Snakemake quotes there: a job of SLURM is
    a Snakemake of its own, which calls its job by another number."""
    quoted = False
    for before, line in zip(["", *lines], lines):
        if line == _RULER:
            quoted = before.startswith("Logfile ")
        elif not quoted:
            yield line


def _blocks(lines: Iterable[str]) -> Iterator[Failure]:
    """Yield what failed, and, with an empty rule, what was done."""
    current: Failure | None = None
    for line in lines:
        if match := re.match(r"Error in (?:rule|group) (\S+?):?$", line):
            if current:
                yield current
            current = Failure(match[1])
        elif match := re.match(r"Finished job(?:id: )?\s*(\d+)", line):
            yield Failure("", {"jobid": match[1]})
        elif current and (match := re.match(r"    (\w+): (.*)$", line)) and match[1] in _KEYS:
            current.told.setdefault(match[1], match[2])
        elif current and not line.startswith("    "):
            yield current
            current = None
    if current:
        yield current
