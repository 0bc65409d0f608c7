"""Shipped files: a configured name is a file of the project, else the file of that name that the workflow ships.

So a project of one's own needs a prompt, a registry or an example only where it differs from the workflow's.
"""

import functools
import hashlib
import os
from glob import glob
from pathlib import Path

#: The workflow's own folder: the checkout that this library is part of.
WORKFLOW = Path(__file__).resolve().parents[4]

#: Bytes up to which a file is told by its content; Snakemake compares larger ones by their times.
_SMALL = 1_000_000


def find_file(name: str | Path) -> Path:
    """Return the project's file or folder of a name (below the working folder), else the workflow's.

    Where neither is there the name itself is returned, so that a message can say what is missing.
    """
    path = Path(name)
    if path.exists() or not (WORKFLOW / path).exists():
        return path
    return WORKFLOW / path


def find_files(pattern: str) -> list[str]:
    """Return the project's files of a pattern, sorted; where it has none, the workflow's."""
    return sorted(glob(pattern, recursive=True)) or sorted(glob(str(WORKFLOW / pattern), recursive=True))


def find_program(command: list[str]) -> list[str]:
    """Return a command whose program, where it is given by a relative path, is the project's or else the workflow's."""
    return [str(find_file(command[0])), *command[1:]] if command and os.sep in command[0] else list(command)


def shipped_name(path: str | Path) -> str:
    """Return a path as the configuration names it: a file of the workflow by its place there."""
    path = Path(path)
    return str(path.relative_to(WORKFLOW)) if path.is_absolute() and path.is_relative_to(WORKFLOW) else str(path)


@functools.cache
def content(path: str | Path) -> str | None:
    """Return 12 hex digits over a file's bytes; None where it is not there or too large to be told by them."""
    path = Path(path)
    if not path.is_file() or path.stat().st_size > _SMALL:
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
