"""Budget: stops new requests before all jobs of a run together pass a limit, and says how to go on.

What was spent stands in the journals, of which those of other jobs grow at the same time: each is read on from
where it was read to, every `REFRESH` seconds. So jobs that run side by side may together pass a limit by what
they send between two looks.
"""

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from megascience.inference.engines.base import ModelSpec, Request
from megascience.inference.journal.journal import Journal
from megascience.inference.journal.lines import Session, Spent, read
from megascience.storage.errors import InputError
from megascience.storage.files import write_json

#: Bytes of English text and LaTeX in one token, to guess a prompt's tokens before an engine has counted them.
BYTES_PER_TOKEN = 4

#: Seconds between two looks at what other jobs have spent.
REFRESH = 5.0

LIMITS = ("max_requests", "max_tokens", "max_gpu_hours", "max_money")


@dataclass
class Sum:
    """What counts against the limits, under their names."""

    max_requests: float = 0
    max_tokens: float = 0
    max_gpu_hours: float = 0.0
    max_money: float = 0.0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(*(getattr(self, name) + getattr(other, name) for name in LIMITS))


def spending(sessions: Iterable[Session], prices: Mapping[str, Mapping[str, float]]) -> Sum:
    """Return what sessions cost; `prices` by the model's name, those without any cost no money."""
    total = Sum()
    for session in sessions:
        spent, price = session.spent, prices.get(session.model, {})
        hours = session.gpus * (spent.wall_seconds + spent.startup_seconds) / 3600
        tokens = spent.prompt_tokens + spent.completion_tokens
        money = _money(spent.prompt_tokens, spent.completion_tokens, price) + hours * price.get("gpu_hour", 0)
        total += Sum(spent.requests, tokens, hours, money)
    return total


def _money(prompt: float, completion: float, price: Mapping[str, float]) -> float:
    return (prompt * price.get("prompt_per_million", 0) + completion * price.get("completion_per_million", 0)) / 1e6


class Budget:
    """The limits of a run.

    Args:
        limits: any of `LIMITS`, over all sessions of all journals; none: nothing is counted.
        prices: of models by name, see `spending`.
        model: who is asked by this job.
        journal: this job's, which it has open.
        folder: of all journals of the run.

    Raises:
        InputError: an unknown limit.
    """

    def __init__(
        self,
        limits: Mapping[str, float],
        prices: Mapping[str, Mapping[str, float]],
        model: ModelSpec,
        journal: Journal,
        folder: str | Path,
    ) -> None:
        unknown = set(limits) - set(LIMITS)
        if unknown:
            raise InputError(f"budget: unknown limit {min(unknown)!r}; known: {', '.join(LIMITS)}")
        self.limits = dict(limits)
        #: Whether the latest request was refused.
        self.refused = False
        self._prices = prices
        self._price = prices.get(model.name, {})
        self._journal = journal
        self._others = _Others(Path(folder), journal.path) if limits else None
        self._flying = Sum()

    def check(self) -> None:
        """Raise InputError where the budget is used up already, before an engine starts."""
        if self.limits and self._passed(self._spent(), inclusive=True):
            raise self.error(None)

    def reserve(self, request: Request) -> bool:
        """Count a request as in flight, with as many tokens as it may take, unless that could pass a limit.

        It may fit later, once those in flight have taken less than they might.
        """
        if self.limits:
            share = self._share(request)
            self.refused = self._passed(self._spent() + self._flying + share, inclusive=False)
            if not self.refused:
                self._flying += share
        return not self.refused

    def release(self, request: Request) -> None:
        """Count a request as no longer in flight; the journal counts it now."""
        if self.limits:
            share = self._share(request)
            self._flying += Sum(*(-getattr(share, name) for name in LIMITS))

    def error(self, left: int | None) -> InputError:
        """Return the error that says how to go on."""
        named = ", ".join(f"{name} {limit:g}" for name, limit in self.limits.items())
        unanswered = "" if left is None else f" with {left} requests of this shard unanswered"
        return InputError(
            f"the budget of the run ({named}) is used up{unanswered}; what was answered is kept: "
            "raise the budget in the config and run again, which asks only the rest"
        )

    def _spent(self) -> Sum:
        assert self._others is not None
        return spending(self._journal.sessions, self._prices) + spending(self._others.sessions(), self._prices)

    def _passed(self, total: Sum, *, inclusive: bool) -> bool:
        used = {name: getattr(total, name) for name in self.limits}
        return any(used[name] > limit or inclusive and used[name] >= limit for name, limit in self.limits.items())

    def _share(self, request: Request) -> Sum:
        """Return the most that a request may take; the time of a GPU is counted as it passes."""
        prompt = sum(len(message["content"]) for message in request.messages) // BYTES_PER_TOKEN
        answer = request.sampling.max_tokens
        return Sum(1, prompt + answer, 0.0, _money(prompt, answer, self._price))


def checkpoint(journal: Journal) -> None:
    """Write beside a journal what its sessions cost so far, so that other jobs need not read it from its start."""
    status = journal.path.stat()
    sessions = [asdict(session) for session in journal.sessions]
    place = {"size": status.st_size, "inode": status.st_ino}
    write_json(f"{journal.path}.spent", {**place, "sessions": sessions})


class _Others:
    """The sessions of all journals in a folder but one."""

    def __init__(self, folder: Path, own: Path) -> None:
        self._folder = folder
        self._own = own.resolve()
        self._read: dict[Path, _Tail] = {}
        self._looked = float("-inf")

    def sessions(self) -> list[Session]:
        if time.monotonic() - self._looked >= REFRESH:
            self._looked = time.monotonic()
            for path in self._folder.rglob("*.jsonl"):
                if path.resolve() != self._own:
                    self._read.setdefault(path, _Tail(path)).read_on()
        return [session for tail in self._read.values() for session in tail.sessions]


class _Tail:
    """The sessions of a journal that others may write to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sessions: list[Session] = []
        self._size = 0
        self._inode = path.stat().st_ino
        try:
            known = json.loads(Path(f"{path}.spent").read_text(encoding="utf-8"))
            if known["inode"] == self._inode and known["size"] <= path.stat().st_size:
                self.sessions = [Session(**{**entry, "spent": Spent(**entry["spent"])}) for entry in known["sessions"]]
                self._size = known["size"]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # no checkpoint, or none of this version: read the journal itself

    def read_on(self) -> None:
        with open(self.path, "rb") as lines:
            inode = os.fstat(lines.fileno()).st_ino
            if inode != self._inode:  # cleaned up since, which writes it again
                self.sessions, self._size, self._inode = [], 0, inode
            lines.seek(self._size)
            for line in lines:
                if not line.endswith(b"\n"):
                    break  # still being written
                self._size += len(line)
                found = read(line)
                if isinstance(found, Session):
                    self.sessions.append(found)
                elif found is not None and self.sessions:
                    self.sessions[-1].spent.add(found.spent, same_session=True)
