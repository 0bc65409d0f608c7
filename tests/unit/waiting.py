"""Waiting for a condition: tests never sleep for a fixed time, nor judge a clock."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator

#: Seconds after which a wait is in vain. It only ends a test that hangs: no machine is so slow.
IN_VAIN = 900.0


def wait_until(condition: Callable[[], object], complaint: str, going_on: Callable[[], object] = lambda: True) -> None:
    """Return as soon as a condition holds.

    Args:
        complaint: what to say where it never does.
        going_on: whether it can still come true; False fails at once.
    """
    end = time.monotonic() + IN_VAIN
    while not condition():
        assert going_on() or condition(), f"{complaint}, and no longer can"
        assert time.monotonic() < end, f"{complaint} within {IN_VAIN:g} s"
        time.sleep(0.02)


@contextlib.contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Fail what needs far more of this process's CPU time than it should: work that grows with the square of a text.

    CPU time does not pass while other processes run. Choose ten or more times what is needed.
    """

    def stop(number: int, frame: object) -> None:
        raise AssertionError(f"not done after {seconds:g} s of CPU time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
