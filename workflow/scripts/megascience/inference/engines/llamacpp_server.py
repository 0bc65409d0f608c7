"""The child process of `llamacpp`: serves one GGUF model until standard input closes.

Run with one argument, the options as JSON; prints `listening ADDRESS` once it can answer.
"""

import json
import os
import sys
import threading


def main() -> None:
    options = json.loads(sys.argv[1])
    # The model's log lines may go to standard output: only ours shall.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
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
    server = xllamacpp.Server(params)
    print("listening", server.listening_address, file=answer, flush=True)
    threading.Event().wait()


def _leave_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
