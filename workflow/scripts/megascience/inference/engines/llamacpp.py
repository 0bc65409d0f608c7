"""llama.cpp: starts a server of its own on a free loopback port and talks to it as `openai` does.

The server (xllamacpp) runs in a child process that ends with its parent, however that ends: the child
leaves when its standard input closes.

Each slot of the server keeps the last prompt that it saw. So requests of one group go to one slot, one
after the other, and other groups to the other slots: then all but the first of a group find their
document in the slot's cache. Left alone, slots that work side by side would each read the document.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from megascience.inference.engines.base import Completion, ModelSpec, NextRequest, Request
from megascience.inference.engines.llamacpp_shared import RUN, Address, SharedServer, detached
from megascience.inference.engines.openai import OpenAIEngine
from megascience.storage.errors import EngineError

#: Seconds for a model to be read from disk and warmed up.
START_DEADLINE = 600

#: Requests to look ahead, in slots, for one whose group a free slot knows.
LOOKAHEAD = 16

# The server's own defaults would cut the distribution further than the request says.
_PLAIN_SAMPLING = {"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0}


def _command(options: Mapping[str, Any]) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("llamacpp_server.py")), json.dumps(options)]


def _environment() -> dict[str, str]:
    # libgomp's threads spin at barriers by default, which makes generation several times slower as soon as another
    # process wants a core.
    return {"OMP_WAIT_POLICY": "passive", **os.environ}


class LlamaCppEngine(OpenAIEngine):
    """Settings in `serving`: `parallel` (slots, 4), `threads` (all CPUs), `batch` (tokens of a prefill step,
    512), `gpu_layers` (layers on a GPU, all that fit), `deadline` (as `openai`), `share` (whether jobs of one run on
    one machine use one server, see llamacpp_shared.py; false)."""

    through_proxies = False

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)
        self.concurrency = int(spec.serving.get("parallel", 4))
        self.grammar_field = "grammar"
        self._server: subprocess.Popen[str] | None = None
        self._shared: SharedServer | None = None
        self._address: Address | None = None
        self._tail: deque[str] = deque(maxlen=20)
        self._queue: deque[Request] = deque()
        # Slot → the group that it worked on last; slots that are free now; request → its slot.
        self._groups: list[str | None] = [None] * self.concurrency
        self._free: list[int] = list(range(self.concurrency))
        self._slots: dict[str, int] = {}
        self._used: set[int] = set()

    def start(self) -> None:
        if not Path(self.spec.path).is_file():
            raise EngineError(f"{self.spec.path}: there is no such GGUF file; fetch the model again")
        serving = self.spec.serving
        options = {
            "path": self.spec.path,
            "slots": self.concurrency,
            "context": self.spec.context,
            "threads": int(serving.get("threads") or os.cpu_count() or 1),
            "batch": int(serving.get("batch", 512)),
            "gpu_layers": int(serving.get("gpu_layers", -1)),
        }
        if serving.get("share") and os.environ.get(RUN):
            self._shared = SharedServer(os.environ[RUN], options)
            self._address = self._shared.join(self._start_shared)
            url = self._address.url
        else:
            url = self._start_own(options)
        self.base_url = f"{url}/v1"
        try:
            super().start()
        except EngineError:
            if self._address is not None and self._address.alive():
                os.kill(self._address.pid, signal.SIGKILL)  # one that hangs: the next job starts another
            raise

    def _start_own(self, options: Mapping[str, Any]) -> str:
        """Start a server that ends with this process, and return its address."""
        self._server = subprocess.Popen(
            _command(options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=_environment(),
        )
        threading.Thread(target=self._read_stderr, daemon=True).start()
        return self._listening(self._server)

    def _start_shared(self, options: Mapping[str, Any], variables: Mapping[str, str], log: Path) -> None:
        """Start a server that outlives this process."""
        server = detached(_command(options), {**_environment(), **variables}, log)
        try:
            self._listening(server)
        except EngineError:
            with contextlib.suppress(OSError):
                self._tail.extend(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
            raise self._fault(server) from None
        finally:
            assert server.stdout is not None
            server.stdout.close()

    def close(self) -> None:
        super().close()
        if self._shared is not None:
            self._shared.leave()
        server, self._server = self._server, None
        if server is None:
            return
        assert server.stdin is not None and server.stdout is not None
        server.stdin.close()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        server.stdout.close()

    def _key(self) -> str:
        return self._address.token if self._address else ""

    def _listening(self, server: subprocess.Popen[str]) -> str:
        """Return a server's address once it is up."""
        assert server.stdout is not None
        timer = threading.Timer(START_DEADLINE, server.kill)
        timer.start()
        try:
            for line in server.stdout:
                if line.startswith("listening "):
                    return line.split()[1]
        finally:
            timer.cancel()
        server.wait()
        raise self._fault(server)

    def _fault(self, server: subprocess.Popen[str]) -> EngineError:
        told = " | ".join(line.strip() for line in self._tail if " E " in line or "rror" in line)
        return EngineError(
            f"{self.spec.path}: the llama.cpp server ended with status {server.returncode}"
            f"{f' ({told[-500:]})' if told else ''}; is it a whole GGUF file, and is there memory for "
            f"{self.concurrency} × {self.spec.context} tokens of context?"
        )

    def _read_stderr(self) -> None:
        assert self._server is not None and self._server.stderr is not None
        with self._server.stderr as lines:
            self._tail.extend(lines)

    def _broken(self) -> str:
        if self._server is not None and self._server.poll() is not None:
            return f"{self.spec.path}: the llama.cpp server died (status {self._server.returncode}); run again"
        if self._address is not None and not self._address.alive():
            return f"{self.spec.path}: the llama.cpp server died; run again"
        return ""

    def _take(self, next_request: NextRequest) -> Request | None:
        """Choose the waiting request that finds most of its prompt in a free slot."""
        while len(self._queue) < LOOKAHEAD * self.concurrency:
            request = next_request()
            if request is None:
                break
            self._queue.append(request)
        if not self._queue:
            return None
        free = {self._groups[slot] for slot in self._free}
        busy = set(self._groups) - free
        known = next((r for r in self._queue if r.group in free), None)
        new = next((r for r in self._queue if r.group not in busy), None)
        request = known or new or self._queue[0]
        self._queue.remove(request)
        slot = next((s for s in self._free if self._groups[s] == request.group), self._free[0])
        self._free.remove(slot)
        self._groups[slot] = request.group
        self._slots[request.key] = slot
        return request

    def _slot(self, request: Request) -> dict[str, Any]:
        slot = self._slots[request.key]
        # What an earlier job left in the slot of a shared server would round otherwise than reading the prompt does.
        known = slot in self._used
        self._used.add(slot)
        return {"id_slot": slot, **_PLAIN_SAMPLING, "cache_prompt": known}

    def _finished(self, completion: Completion) -> None:
        self._free.append(self._slots.pop(completion.key))
