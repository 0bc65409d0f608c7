"""Worker processes for the symbolic work that can hang, with a hard limit on time and memory.

A worker is a plain Python process that reads one JSON request a line and answers with one line. A worker that
overruns its time is killed (this also ends C code that no signal handler would stop) and replaced at the next use;
the pool, and the program that uses it, live on.
"""

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

_WORKER = Path(__file__).with_name("worker.py")
#: A worker imports sympy and the LaTeX grammar before it is ready.
_START_SECONDS = 30.0


class Starting(RuntimeError):
    """The worker is not ready yet; it goes on loading and serves a later request."""


class TimedOut(RuntimeError):
    """The worker did not answer in time and was killed."""


class Broken(RuntimeError):
    """The worker died (out of memory, or it cannot be started); the message says what is known."""


class _Worker:
    def __init__(self, successor: bool = False) -> None:
        self.successor = successor
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment | {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"},
        )
        self.ready = False

    def ask(self, request: dict[str, Any], seconds: float, patience: float) -> dict[str, Any]:
        assert self.process.stdin is not None
        if not self.ready:
            started = time.monotonic()
            try:
                self._line(patience)
            except TimedOut as error:
                raise Starting("the worker is still loading") from error
            self.ready = True
            if patience < _START_SECONDS:  # a request waits no longer in all than its limit
                seconds = max(0.2, seconds - (time.monotonic() - started))
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise Broken("the worker is gone") from error
        return json.loads(self._line(seconds))

    def _line(self, seconds: float) -> bytes:
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        buffer = b""
        descriptor = self.process.stdout.fileno()
        while not buffer.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise TimedOut(f"no answer within {seconds:g} s")
            data = os.read(descriptor, 65_536)
            if not data:
                raise Broken("the worker died")
            buffer += data
        return buffer

    def kill(self) -> None:
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self.process.wait()


class Pool:
    """A few workers, started at first use, shared by all threads of this process.

    Args:
        workers: how many run at once; a further caller waits for one.
        seconds: the time limit of one request.
    """

    def __init__(self, workers: int = 2, seconds: float = 1.6) -> None:
        self.seconds = seconds
        self._idle: list[_Worker] = []
        self._slots = threading.BoundedSemaphore(workers)
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def ask(self, request: dict[str, Any], seconds: float | None = None) -> dict[str, Any]:
        """Return a worker's answer.

        Raises:
            TimedOut: the limit passed; the worker was killed, or its successor was not yet ready.
            Broken: the worker died or sent no valid answer.
        """
        with self._slots:
            worker = self._take()
            limit = self.seconds if seconds is None else seconds
            try:
                # a fresh worker may load as long as it needs; one that follows a killed one gets the limit's time
                answer = worker.ask(request, limit, limit if worker.successor else _START_SECONDS)
            except Starting as error:
                with self._lock:
                    self._idle.insert(0, worker)
                raise TimedOut(str(error)) from error
            except BaseException as error:
                worker.kill()
                with self._lock:  # its successor loads its libraries while others go on
                    self._idle.insert(0, _Worker(successor=True))
                if isinstance(error, ValueError):
                    raise Broken("the worker's answer is no JSON") from error
                raise
            with self._lock:
                self._idle.append(worker)
            return answer

    def _take(self) -> _Worker:
        with self._lock:
            if self._owner != os.getpid():  # a fork must not talk through its parent's pipes
                self._idle, self._owner = [], os.getpid()
            while self._idle:
                worker = self._idle.pop()
                if worker.process.poll() is None:
                    return worker
                worker.kill()
        return _Worker()

    def close(self) -> None:
        """End all idle workers."""
        with self._lock:
            workers, self._idle = self._idle, []
        if self._owner == os.getpid():
            for worker in workers:
                worker.kill()


_pool: Pool | None = None
_pool_lock = threading.Lock()


def pool() -> Pool:
    """Return this process's pool; it starts no process before it is asked."""
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = Pool()
            atexit.register(_pool.close)
        return _pool
