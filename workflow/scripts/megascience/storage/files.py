"""Files: atomic writes, checksums, JSON."""

import errno
import hashlib
import json
import os
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from megascience.storage.errors import InputError


def file_sha256(path: str | Path) -> str:
    """Return the hex SHA-256 of a file's bytes."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def path_fault(path: str | Path) -> str | None:
    """Return why a path of the user's cannot be an input of the workflow, with the fix; None where it can.

    Snakemake reads braces as wildcards and angle brackets as path variables, whatever they are quoted by; a
    control character breaks tables and logs, and a name that is not UTF-8 breaks both.
    """
    text = str(path)
    shown = ascii(text)
    if found := sorted(set(text) & set("{}<>")):
        return f"path {shown} has {' and '.join(found)}, which Snakemake reads as its own; rename the file"
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        return f"path {shown} has a line break, a tab or another control character; rename the file"
    return None


def same_files(paths: Sequence[str | Path]) -> list[tuple[int, int]]:
    """Return (place, earlier place) of each path that names the file of an earlier one (twice, link, `./`, …).

    Paths without a file are passed over.
    """
    seen: dict[tuple[int, int], int] = {}
    found = []
    for place, path in enumerate(paths):
        try:
            stat = os.stat(path)
        except (OSError, ValueError):  # ValueError: a null character
            continue
        earlier = seen.setdefault((stat.st_dev, stat.st_ino), place)
        if earlier != place:
            found.append((place, earlier))
    return found


@contextmanager
def atomic_file(path: str | Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; on success it is synced and takes its place at once.

    Raises:
        InputError: the disk or the quota is full; what stood at `path` still does.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)
    try:
        with handle:
            yield handle  # type: ignore[misc]
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(handle.name, 0o644)
        os.replace(handle.name, path)
    except BaseException as error:
        Path(handle.name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(f"{path}: cannot be written ({error.strerror}); make room and run again") from error
        raise


def write_text(path: str | Path, text: str) -> None:
    """Write a text file atomically (UTF-8)."""
    with atomic_file(path) as handle:
        handle.write(text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON atomically, with sorted keys, so that equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InputError: the file is not JSON, or not an object.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable JSON file ({error}); delete it and run again") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: a JSON object is expected; delete it and run again")
    return value
