"""Progress of a generate job, for the people who wait for it."""

import logging
import time

from megascience.inference.engines.base import Completion

#: Seconds between two lines of the log.
EVERY = 10.0

logger = logging.getLogger(__name__)


class Progress:
    """Logs how far the requests are, how fast the answers come and when they will all be there."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.left = wanted
        self.tokens = 0
        self.began = self.reported = time.monotonic()

    def update(self, completion: Completion, left: int) -> None:
        """Count a completion; `left` conversations are still without their final one."""
        self.left = left
        self.tokens += completion.completion_tokens
        if time.monotonic() - self.reported >= EVERY:
            self.report()

    def report(self) -> None:
        """Write one line."""
        now = self.reported = time.monotonic()
        seconds = max(now - self.began, 1e-9)
        done = self.wanted - self.left
        eta = f"{seconds / done * self.left:.0f} s" if done else "unknown"
        logger.info(
            "%d of %d answered (%.0f %%), %.0f output tokens/s, %.0f s gone, %s to go",
            done,
            self.wanted,
            100 * done / self.wanted,
            self.tokens / seconds,
            seconds,
            eta,
        )
