"""The child process of `llamacpp`: serves one GGUF model until standard input closes, or, where jobs share it, until
nobody needs it any more (llamacpp_shared.py).

Run with one argument, the options as JSON; prints `listening ADDRESS` once it can answer.
"""

import fcntl
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

#: The variable with the key that a shared server asks for.
TOKEN = "MEGASCIENCE_SERVER_TOKEN"
#: Seconds between two looks at whether a shared server is needed.
EVERY = 0.5


def main() -> None:
    options = json.loads(sys.argv[1])
    share = options.get("share")
    token = os.environ.pop(TOKEN, "")
    # The model's log lines may go to standard output: only ours shall.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if not share:
        threading.Thread(target=_leave_with_parent, daemon=True).start()

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = options["path"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = options["slots"]
    params.n_ctx = options["slots"] * options["context"]
    params.n_batch = max(options["batch"], 64)
    params.n_ubatch = params.n_batch
    params.n_gpu_layers = options["gpu_layers"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options["threads"]
    params.ctx_shift = False
    params.warmup = False
    params.ui = False
    params.endpoint_slots = False
    params.verbosity = 1
    if token:
        params.api_keys = [token]
    server = xllamacpp.Server(params)
    if share:
        _write_card(Path(share["card"]), server.listening_address, token)
        threading.Thread(target=_leave_when_done, args=(share,), daemon=True).start()
    print("listening", server.listening_address, file=answer, flush=True)
    answer.close()
    threading.Event().wait()


def started(pid: int) -> str:
    """Return when a process was started, in ticks since the machine was; "" where there is none.

    Number and start together name a process: numbers are used again.
    """
    try:
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if words[0] == "Z" else words[19]


def _leave_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def _write_card(card: Path, url: str, token: str) -> None:
    """Write where this server listens, for its owner's eyes only."""
    draft = card.with_suffix(f".{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({"url": url, "token": token, "pid": os.getpid(), "started": started(os.getpid())}, file)
    os.replace(draft, card)


def _leave_when_done(share: dict[str, Any]) -> None:
    """End this process, with the turn in its hands, once it is not needed: nobody can join it at that moment."""
    run, card = share["run"], Path(share["card"])
    free_since = time.monotonic()
    with open(share["turn"], "ab") as turn:
        while True:
            time.sleep(EVERY)
            try:
                fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                free_since = time.monotonic()
                continue
            mine = _is_mine(card)
            over = started(run["pid"]) != run["started"]
            if over or not mine or time.monotonic() - free_since > share["idle"]:
                if mine:
                    card.unlink()
                os._exit(0)
            fcntl.flock(turn, fcntl.LOCK_UN)


def _is_mine(card: Path) -> bool:
    try:
        return json.loads(card.read_text(encoding="utf-8"))["pid"] == os.getpid()
    except (OSError, ValueError, KeyError, TypeError):
        return False


if __name__ == "__main__":
    main()
