"""Notes which functions of the library each job of a workflow runs; `traces.py` puts it into a copy of the checkout.

It is copied there as workflow/library/sitecustomize.py, which Python loads at the start of each process that has the
folder on its path: of jobs, and of the programs that they start. Each process leaves one file, named after itself.
"""

import atexit
import json
import os
import sys
import threading

FOLDER = os.environ.get("TRACES")
LIBRARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "megascience") + os.sep
#: Packages that are left out of hashes: what runs on their behalf is noted only once something else runs it too.
LEFT_OUT = tuple(LIBRARY + name.replace(".", os.sep) for name in os.environ.get("TRACES_LEFT_OUT", "").split())

seen = set()
loaded = set()


def called(frame, event, argument):
    code = frame.f_code
    if code in seen or not code.co_filename.startswith(LIBRARY):
        return
    if not code.co_flags & 1:  # the body of a module or of a class
        if code.co_name == "<module>":
            loaded.add(code.co_filename)
        return
    outer = frame
    while outer is not None:
        name = outer.f_code.co_filename
        loads = outer.f_code.co_name == "<module>" and outer.f_globals.get("__name__") != "__main__"
        if name.startswith(LIBRARY) and (loads or name.startswith(LEFT_OUT)):
            return
        outer = outer.f_back
    seen.add(code)


def leave():
    sys.settrace(None)
    job = getattr(sys.modules["__main__"], "snakemake", None)
    ran = sorted((os.path.relpath(code.co_filename, LIBRARY), code.co_firstlineno, code.co_name) for code in seen)
    note = {
        "job": job and {"rule": job.rule, "code": job.params.get("code")},
        "of": os.environ["TRACES_JOB"],
        "ran": ran,
        "loaded": sorted(os.path.relpath(name, LIBRARY) for name in loaded),
    }
    with open(os.path.join(FOLDER, f"{os.getpid()}.json"), "w") as handle:
        json.dump(note, handle)


if FOLDER and (any(".snakemake/scripts" in part for part in sys.orig_argv) or "TRACES_JOB" in os.environ):
    os.environ.setdefault("TRACES_JOB", str(os.getpid()))
    threading.settrace(called)
    sys.settrace(called)
    atexit.register(leave)
