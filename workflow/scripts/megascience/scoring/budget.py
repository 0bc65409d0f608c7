"""Limits of work, counted in steps: the same answer costs the same on every machine, however busy it is.

A clock would make verdicts depend on the load. So every part of the scorer that is not linear by its construction
spends steps, and what would take too many of them is unreadable everywhere and always.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Steps of one comparison, of reading one number and of one extraction; a step is a node of an expression that is
#: evaluated, or what takes about as long (some microseconds).
COMPARISON = 120_000
NUMBER = 15_000
EXTRACTION = 80_000


class OutOfSteps(Exception):
    """The work is more than an answer is worth; it is given up, at the same place on every machine."""


_state = threading.local()


@contextmanager
def limited(steps: int) -> Iterator[None]:
    """Let the work inside spend so many steps of its own; what surrounds it has its own limit.

    Raises:
        OutOfSteps: they were not enough.
    """
    outer = getattr(_state, "left", None)
    _state.left = steps
    try:
        yield
    finally:
        _state.left = outer


def spend(steps: int = 1) -> None:
    """Count steps; outside of `limited` there is no limit.

    Raises:
        OutOfSteps: none are left.
    """
    left = getattr(_state, "left", None)
    if left is not None:
        if left < steps:
            raise OutOfSteps
        _state.left = left - steps
