"""Logs of a job: a file for the details, the terminal for progress, one line for a user's mistake."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from megascience.storage.errors import EngineError, InputError

logger = logging.getLogger("megascience")


@contextmanager
def job_log(path: str | Path) -> Iterator[logging.Logger]:
    """Log to `path` and to stderr while a script runs.

    An `InputError` or `EngineError` ends the process with status 1 and its message alone:
    those speak to the user. Everything else keeps its traceback.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    form = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    handlers: list[logging.Handler] = [
        logging.FileHandler(path, mode="w", encoding="utf-8"),
        logging.StreamHandler(sys.stderr),
    ]
    for handler in handlers:
        handler.setFormatter(form)
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield logger
    except (InputError, EngineError) as error:
        logger.error("%s", error)
        raise SystemExit(1) from None
    except Exception:
        logger.exception("failed")
        raise SystemExit(1) from None
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.flush()
