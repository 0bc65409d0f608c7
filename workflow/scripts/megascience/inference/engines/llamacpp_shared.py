"""A llama.cpp server that jobs share which ask the same model one after the other, on one machine.

The run (`announce_run`) says in the environment of its jobs that it is theirs alone. The first job that asks a model
starts its server; each job holds the server's turn, a file lock, while it asks, so that one asks at a time and the
system gives the turn back however a job ends. The server (llamacpp_server.py) leaves by itself once nobody holds the
turn and the run has ended, or nobody has held it for some minutes. One that died is replaced by the next job; other
settings or another model file are another server. On a cluster no run is announced, and nothing is shared.
"""

import fcntl
import json
import os
import secrets
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from megascience.inference.engines.llamacpp_server import TOKEN, started
from megascience.storage.ids import content_id

#: The variable by which jobs know the run that they belong to.
RUN = "MEGASCIENCE_RUN"
#: Seconds without a job after which a server leaves, which frees its memory for what else the run does.
IDLE = 120.0


def announce_run(folder: str | Path) -> None:
    """Let jobs of this process share servers, which end with it; their cards and logs go to `folder`."""
    if not (since := started(os.getpid())):
        return  # no /proc here: a server could not know that the run has ended
    place = Path(folder).resolve()
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ[RUN] = json.dumps({"folder": str(place), "pid": os.getpid(), "started": since})


@dataclass(frozen=True)
class Address:
    """Where a server listens, and what it wants to be told by those who ask."""

    url: str
    token: str
    pid: int
    started: str

    def alive(self) -> bool:
        """Return whether the server's process is there still."""
        return started(self.pid) == self.started


class SharedServer:
    """One job's share in the server of a model.

    Args:
        run: what `announce_run` wrote.
        options: of llamacpp_server.py; servers with other options are others.
    """

    def __init__(self, run: str, options: Mapping[str, Any]) -> None:
        self._run = json.loads(run)
        stat = os.stat(options["path"])
        file = [stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns]
        key = content_id(json.dumps([options, file], sort_keys=True))
        self._base = Path(self._run["folder"], key)
        share = {"run": self._run, "turn": f"{self._base}.turn", "card": f"{self._base}.json", "idle": IDLE}
        self._options = {**options, "share": share}
        self._turn: BinaryIO | None = None

    def join(self, start: Callable[[Mapping[str, Any], Mapping[str, str], Path], None]) -> Address:
        """Wait for the turn, and return where the server listens.

        Args:
            start: starts a server with such options, variables and log, and returns when it listens, else raises.
        """
        self._turn = open(f"{self._base}.turn", "ab")  # noqa: SIM115 (held until `leave`)
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            found = self._card()
            if found is None or not found.alive():
                start(self._options, {TOKEN: secrets.token_urlsafe(24)}, Path(f"{self._base}.log"))
                found = self._card()
            assert found is not None, "a server that listens has written its card"
            return found
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Give the turn back. Safe to call twice."""
        if self._turn is not None:
            self._turn.close()
            self._turn = None

    def _card(self) -> Address | None:
        try:
            return Address(**json.loads(Path(f"{self._base}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def detached(command: list[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[str]:
    """Start a process that outlives this one, and that Ctrl-C does not reach; its messages go to a file."""
    with open(log, "wb") as messages:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
            errors="replace",
            env=dict(environment),
            start_new_session=True,
        )
