"""Staleness: which of our modules a rule runs, as one hash for its params.

Snakemake compares scripts by time, which redoes everything in a fresh checkout, and
does not see imported modules at all. So the profiles leave its `code` trigger out, and
each rule carries the hash that `code_hash` gives: it changes when, and only when, code
that the rule runs changes. Comments, docstrings and formatting do not count.

The Snakefile is read by every job again, so what was found out about a source is `Known` by its sha256.
"""

import ast
import functools
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

from megascience.storage.errors import InputError
from megascience.storage.files import write_text

PACKAGE = Path(__file__).parents[1]

#: Never part of a hash: they carry requests and messages about, but cannot change what a row says.
TRANSPARENT = ("inference.engines", "inference.journal", "storage.logs", "planning.code_hash")


class Known:
    """What is known of sources from earlier runs, in a file that may be lost, spoilt or read-only without harm.

    Args:
        path: the file (JSON, text by text); None: nothing is kept.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._path = path
        self._used: dict[str, str] = {}
        self._read: dict[str, str] = {}
        try:
            read = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
            self._read = {key: value for key, value in read.items() if isinstance(value, str)}
        except (OSError, ValueError, AttributeError):
            pass

    def get(self, key: str, compute: Callable[[], str]) -> str:
        """Return what is known under the key, else what `compute` gives, which is known from now on."""
        if key not in self._used:
            self._used[key] = self._read[key] if key in self._read else compute()
        return self._used[key]

    def save(self) -> None:
        """Write what was asked for, and nothing else, where the file has not just that."""
        if self._path and self._used != self._read:
            try:
                write_text(self._path, json.dumps(self._used, indent=0, sort_keys=True))
            except (OSError, InputError):
                pass  # the next run finds out again


@functools.cache
def module_file(module: str) -> Path | None:
    """Return the file of a module of ours by its dotted name below the package, or None."""
    base = PACKAGE.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or not body:
            continue
        first = body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = body[1:] or [ast.Pass()]
    return tree


@functools.cache
def _reader() -> str:
    """Return what tells this way of reading sources from any other: what is known by another one does not count."""
    return f"{sys.version} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}"


@functools.cache
def _source(path: Path) -> bytes:
    """Return a file's bytes, read once: what is known of them must be of the very ones that the mark is of."""
    return path.read_bytes()


@functools.cache
def _mark(module: str) -> str:
    """Return what tells a module from any other, and from itself with another source."""
    path = module_file(module)
    assert path is not None
    return hashlib.sha256(f"{_reader()} {module} {path.name}\n".encode() + _source(path)).hexdigest()


@functools.cache
def _read(module: str) -> tuple[str, tuple[str, ...]]:
    """Return the module's code without comments and docstrings, and the names that it imports, below our package."""
    path = module_file(module)
    assert path is not None
    tree = ast.parse(_source(path), filename=str(path))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            parent = _resolve(node, package)
            if parent is not None:
                found += [parent, *(f"{parent}.{alias.name}".lstrip(".") for alias in node.names)]
        elif isinstance(node, ast.Import):
            found += [a.name.removeprefix("megascience.") for a in node.names if a.name.startswith("megascience.")]
    return ast.dump(_without_docstrings(tree)), tuple(name for name in dict.fromkeys(found) if name)


def _resolve(node: ast.ImportFrom, package: str) -> str | None:
    """Return the dotted name below our package that a `from … import` starts from, or None if it is not ours."""
    if node.level == 0:
        if node.module == "megascience":
            return ""
        if node.module and node.module.startswith("megascience."):
            return node.module.removeprefix("megascience.")
        return None
    parts = package.split(".") if package else []
    parts = parts[: len(parts) - (node.level - 1)]
    return ".".join([*parts, *([node.module] if node.module else [])])


def imported(*modules: str, known: Known | None = None) -> list[str]:
    """Return the modules and all modules of ours that they import, directly or not, sorted.

    Raises:
        ValueError: there is no such module.
    """
    known = known or Known()
    seen: set[str] = set()
    todo = list(modules)
    while todo:
        module = todo.pop()
        if module in seen or module.startswith(TRANSPARENT):
            continue
        if module_file(module) is None:
            raise ValueError(f"no module {module!r} in the library")
        seen.add(module)
        names = known.get(f"imports {_mark(module)}", lambda name=module: " ".join(_read(name)[1]))  # type: ignore[misc]
        todo += [name for name in names.split() if name not in seen and module_file(name)]
    return sorted(seen)


def code_hash(*modules: str, known: Known | None = None) -> str:
    """Return 12 hex digits over the code of the modules and of all that they import."""
    known = known or Known()
    names = imported(*modules, known=known)

    def compute() -> str:
        digest = hashlib.sha256()
        for module in names:
            digest.update(f"{module}\n{_read(module)[0]}\n".encode())
        return digest.hexdigest()[:12]

    return known.get("code " + hashlib.sha256(" ".join(map(_mark, names)).encode()).hexdigest(), compute)
