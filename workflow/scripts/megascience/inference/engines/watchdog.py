"""A process that ends what a killed job leaves behind.

vLLM's engine core and workers run in processes of their own, which outlive a job that is killed
(kill -9, out of memory), keep its GPU from the next one, and under some start methods know nothing
of their parent. The watchdog notes the job's descendants while it lives and kills them once it is gone.
"""

import contextlib
import select
import signal
import subprocess
import sys

#: Seconds between two looks at the job's descendants.
EVERY = 1.0


def start(stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a watchdog over the calling process; closing its standard input ends it, as the caller's death does.

    Args:
        stdout: where it writes the number of each process that it notes, one a line.
    """
    return subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=stdout)


def _watch() -> None:
    import psutil

    # What ends a whole job (scancel, Ctrl-C) must not end the watchdog first.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    own = psutil.Process()
    job = own.parent()
    seen: set[psutil.Process] = set()
    while not select.select([sys.stdin], [], [], EVERY)[0]:
        with contextlib.suppress(psutil.Error):
            for process in set(job.children(recursive=True)) - seen:
                seen.add(process)
                print(process.pid, flush=True)
    for process in seen - {own}:
        # psutil compares start times: a process that only inherited the number is left alone.
        with contextlib.suppress(psutil.Error):
            if process.is_running():
                process.kill()


if __name__ == "__main__":
    _watch()
