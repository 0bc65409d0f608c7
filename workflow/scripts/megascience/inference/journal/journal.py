"""The journal: every completion of a shard, appended as it finishes, outside the declared outputs.

One line a completion, in the order in which they finished. The key of a request depends on what is
asked of whom and on nothing else, so that the number and order of the records do not matter. What a
crash tore or a disk spoiled is found by its checksum, set aside and reported, and nothing else is
lost. Lines of sessions tell which engine answered, when, and how long it took to start, for the costs.

Only keys and places are held in memory; texts are read from disk when they are asked for.
"""

import fcntl
import functools
import json
import logging
import os
import socket
import time
import weakref
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import BinaryIO, Self

from megascience.inference.engines.base import Completion, Message, Sampling
from megascience.inference.journal.lines import (
    Session,
    Spent,
    completion_line,
    iter_lines,
    read,
    read_completion,
    salvage,
)
from megascience.storage.errors import InputError
from megascience.storage.files import atomic_file
from megascience.storage.ids import content_id

#: The longest time in seconds for which a completed line may wait for its fsync while others follow.
SYNC_EVERY = 0.5

logger = logging.getLogger(__name__)


def conversation_id(model: str, revision: str, messages: Iterable[Message], grammar: str | None) -> str:
    """Return the id of what is asked of whom, without the sampling: 16 hex digits."""
    parts = [part for message in messages for part in (message["role"], message["content"])]
    return content_id(model, revision, "free" if grammar is None else f"grammar {grammar}", *parts)


def request_key(conversation: str, sampling: Sampling) -> str:
    """Return the journal's key of a request: 16 hex digits of its conversation and all of its sampling."""
    return content_id(conversation, _sampling_text(sampling))


@functools.lru_cache(maxsize=64)
def _sampling_text(sampling: Sampling) -> str:
    return json.dumps(sampling.as_dict(), sort_keys=True)


class _Index:
    """Where each key's latest completion stands in a file.

    Attributes:
        sessions: the engines' starts so far, each with what it has cost.
        completions: how many there are, also those that a later one of their key replaced.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.sessions: list[Session] = []
        self.completions = 0
        self._places: dict[str, int] = {}
        self._reader: BinaryIO | None = None

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def keys(self) -> Iterable[str]:
        """Return the keys of the completions."""
        return self._places.keys()

    def get(self, key: str) -> Completion | None:
        """Return the latest completion of a key, read from disk, or None."""
        place = self._places.get(key)
        if place is None:
            return None
        if self._reader is None:
            self._reader = open(self.path, "rb")  # noqa: SIM115 (closed in close, or with the object)
        self._reader.seek(place)
        return read_completion(self._reader.readline())

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _index(self, line: bytes, start: int) -> bool:
        """Take a line into the index; return whether it is whole."""
        found = read(line)
        if isinstance(found, Session):
            self.sessions.append(found)
        elif found is not None:
            self.completions += 1
            self._places[found.key] = start
            if self.sessions:
                self.sessions[-1].spent.add(found.spent, same_session=True)
        return found is not None


class JournalReader(_Index):
    """The completions of a shard as far as they are whole, read without its lock: a job may be at work on it.

    Args:
        path: the journal; where there is none, nothing is known.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        if self.path.exists():
            for line, start in iter_lines(self.path):
                self._index(line, start)


class Journal(_Index):
    """The completions of one shard, by key. A context manager: it holds the shard's lock while it is open.

    Args:
        path: the JSONL file; it is made where there is none. Beside it stand `.lock` and, after a
            corruption, `.corrupt` with the lines that were set aside.

    Attributes:
        recovered: what was lost of the file when it was opened, in words; empty when all was well.

    Raises:
        InputError: another job holds the journal, or it cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.recovered = ""
        self._session_start = 0.0
        self._synced = 0.0
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(self.path)
        except OSError as error:
            raise InputError(f"{self.path}: the journal cannot be written ({error}); fix the folder") from error
        try:
            self._recover()
            self._writer = open(self.path, "ab", buffering=0)  # noqa: SIM115 (closed in close)
            self._size = os.fstat(self._writer.fileno()).st_size
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Sync, and give the lock back. Safe to call twice."""
        if not self._writer.closed:
            self.sync()
            self._writer.close()
            super().close()
            self._lock.close()

    def start_session(self, *, model: str, revision: str, engine: str, startup_seconds: float, gpus: float = 0) -> None:
        """Note that an engine has started; the completions that follow are its work."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        session = Session(model, revision, engine, now, gpus, Spent(startup_seconds=round(startup_seconds, 3)))
        self._session_start = time.monotonic()
        self._write(session.line())
        self.sessions.append(session)
        self.sync()

    def append(self, completion: Completion, attempt: int = 0) -> None:
        """Add a completion; it is with the operating system on return, and on disk within `SYNC_EVERY`.

        Raises:
            InputError: the disk is full or the file cannot be written.
        """
        line, entry = completion_line(completion, attempt, time.monotonic() - self._session_start)
        place = self._size
        self._write(line)
        self._places[entry.key] = place
        if self.sessions:
            self.sessions[-1].spent.add(entry.spent, same_session=True)
        if time.monotonic() - self._synced > SYNC_EVERY:
            self.sync()

    def sync(self) -> None:
        """Force what was appended to disk."""
        os.fsync(self._writer.fileno())
        self._synced = time.monotonic()

    def keep_only(self, live_keys: Collection[str]) -> int:
        """Rewrite the file without the completions that `gc` drops; return how many. Only `close` may follow."""
        places = {place for key, place in self._places.items() if key in live_keys}
        sessions: list[Session] = []
        kept: list[list[int]] = [[]]
        dropped = 0
        for line, start in iter_lines(self.path):
            found = read(line)
            if isinstance(found, Session):
                sessions.append(found)
                kept.append([])
            elif start in places:
                kept[-1].append(start)
            elif found is not None:
                dropped += 1
                if sessions:
                    sessions[-1].spent.add(found.spent, same_session=True)
        with open(self.path, "rb") as reader, atomic_file(self.path) as handle:
            for session, starts in zip([None, *sessions], kept, strict=True):
                if session is not None:
                    handle.write(session.line())
                for start in starts:
                    reader.seek(start)
                    handle.write(reader.readline())
        return dropped

    def _write(self, line: bytes) -> None:
        try:
            written = self._writer.write(line)
            while written < len(line):
                written += self._writer.write(line[written:])
        except OSError as error:
            raise InputError(f"{self.path}: cannot write ({error}); make room and run again") from error
        self._size += len(line)

    def _recover(self) -> None:
        """Index the journal; cut a torn end off, and set spoiled lines aside."""
        if not self.path.exists():
            self.path.touch()
            _sync_folder(self.path.parent)
            return
        spoiled: list[tuple[bytes, list[bytes]]] = []
        for line, start in iter_lines(self.path):
            if self._index(line, start):
                continue
            saved = salvage(line)
            if saved or line.endswith(b"\n"):
                spoiled.append((line, saved))
            else:
                os.truncate(self.path, start)
                self.recovered = f"a torn last line of {len(line)} bytes cut off"
        if spoiled:
            self._set_aside(spoiled)
        if self.recovered:
            logger.warning("%s: %s; what was lost is asked again", self.path, self.recovered)

    def _set_aside(self, spoiled: list[tuple[bytes, list[bytes]]]) -> None:
        """Move spoiled lines to a file of their own, keep what was saved of them, and index again."""
        with open(f"{self.path}.corrupt", "ab") as aside:
            aside.writelines(line if line.endswith(b"\n") else line + b"\n" for line, _ in spoiled)
        with atomic_file(self.path) as handle:
            for line, _ in iter_lines(self.path):
                handle.writelines([line] if read(line) is not None else salvage(line))
        self._places.clear()
        self.sessions.clear()
        self.completions = 0
        for line, start in iter_lines(self.path):
            self._index(line, start)
        saved = sum(len(pieces) for _, pieces in spoiled)
        self.recovered = f"{len(spoiled)} corrupt lines set aside in {self.path}.corrupt, {saved} lines saved from them"


def gc(path: str | Path, live_keys: Collection[str]) -> int:
    """Drop the completions whose keys are not live and those that a later one replaced; return how many went.

    The file is replaced at once. What the dropped completions cost stays in their session's line.

    Raises:
        InputError: there is no journal, or a job is working on it.
    """
    if not Path(path).exists():
        raise InputError(f"{path}: there is no journal; fix the path")
    with Journal(path) as journal:
        return journal.keep_only(live_keys)


def _lock(path: Path) -> BinaryIO:
    """Take the shard's lock, which the system gives back however the holder ends."""
    handle = open(f"{path}.lock", "a+b")  # noqa: SIM115 (held as long as the journal)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        holder = handle.read().decode(errors="replace").strip() or "another job"
        handle.close()
        raise InputError(
            f"{path}: {holder} is working on this shard; wait until it has ended, or stop it, and run again"
        ) from None
    _held.add(handle)
    handle.truncate(0)
    handle.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
    handle.flush()
    return handle


# A process that this one forks (an engine's worker) would hold the lock too, and outlive a killed job with it.
_held: weakref.WeakSet[BinaryIO] = weakref.WeakSet()
os.register_at_fork(after_in_child=lambda: [handle.close() for handle in _held])


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
