"""Staleness: the code that a rule runs, as one hash for its params.

Snakemake compares scripts by time, which redoes everything in a fresh checkout, and
does not see imported modules at all. So the profiles leave its `code` trigger out, and
each rule carries the hash of its script: `code_hash("digitize")`, or `code_hash("parse", stage="refine")` where the
script loads a stage by its name. The hash is derived from the script. It covers the script's own statements and each
definition of ours (function, class, assignment) that they lead to, however they lead there: imported at the top or
inside a function, started as a program of its own, or taken from a stage. It does not depend on the file that a
definition is in; `definitions` says what else does not count.

What it does not see: an attribute of a module whose name is computed at run time. There the whole module counts.

The Snakefile is read by every job again, so what was found out about a source is `Known` by its sha256.
"""

import functools
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from megascience.planning import definitions
from megascience.planning.definitions import OR, PACKAGE, RUN, Part, Source, extend, read_source
from megascience.storage.errors import InputError
from megascience.storage.files import write_text

SCRIPTS = Path(__file__).resolve().parents[2]

#: Packages and modules that are never part of a hash, each with the reason. None of them can change what a row says.
TRANSPARENT = {
    f"{PACKAGE}.inference.engines": "carries requests and completions; what shapes a text is part of each request",
    f"{PACKAGE}.inference.journal": "keeps completions by the request's key, and counts tokens and money",
    f"{PACKAGE}.inference.progress": "reports how far a job is",
    f"{PACKAGE}.storage.logs": "writes the logs",
    f"{PACKAGE}.cli": "prints for people",
}

#: What loads a stage by its name, and where the stages are.
LOADER = f"{PACKAGE}.stages.stage.get_stage"
STAGES = f"{PACKAGE}.stages"


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

    def keep(self, keys: Iterable[str]) -> None:
        """Go on knowing what is known under the keys, whether anybody asks for it or not."""
        self._used.update({key: self._read[key] for key in keys if key in self._read})

    def save(self) -> None:
        """Write what was asked for, and nothing else, where the file has not just that."""
        if self._path and self._used != self._read:
            try:
                write_text(self._path, json.dumps(self._used, indent=0, sort_keys=True))
            except (OSError, InputError):
                pass  # the next run finds out again


class Definition(NamedTuple):
    """A definition of ours by its module and its name there, or all statements of the module that define nothing.

    Attributes:
        name: `LOOSE` for the statements that run when the module is loaded, `PROGRAM` for those that run only where it
            is started as a program.
    """

    module: str
    name: str


LOOSE = ""
PROGRAM = "__main__"


class Library:
    """The scripts and the package beside them, as they are now.

    Args:
        scripts: the folder of both.
        known: what is known of sources from earlier runs.
    """

    def __init__(self, scripts: str | Path = SCRIPTS, known: Known | None = None) -> None:
        self.known = known or Known()
        self._files = dict(_files(str(scripts)))
        marks = {module: file.mark(module) for module, file in self._files.items()}
        self._whole_mark = hashlib.sha256(" ".join(sorted(marks.values())).encode()).hexdigest()
        self._marks = marks
        self._sources: dict[str, Source | None] = {}
        self._meant: dict[str, tuple[Definition, ...]] = {}
        self._next: dict[Definition, tuple[Definition, ...]] = {}
        self._digests: dict[Definition, str] = {}
        self.known.keep(marks.values())

    def code_hash(self, script: str, stage: str | None = None) -> str:
        """Return 12 hex digits over the code that a rule runs.

        Args:
            script: the name of the rule's script, without its suffix.
            stage: the stage that the script loads by its name; only for a script that does so.

        Raises:
            ValueError: there is no such script or stage, or `stage` is missing or of no use.
        """

        def compute() -> str:
            digests = {self._digest(found) for found in self.reached(script, stage)}
            return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()[:12]

        return self.known.get(f"{self._whole_mark} {script} {stage}", compute)

    def reached(self, script: str, stage: str | None = None) -> set[Definition]:
        """Return the definitions that a rule runs; see `code_hash` for the arguments and errors."""
        if self.source(script) is None:
            raise ValueError(f"there is no script {script!r}")
        reached = self._follow(self._program(script), set())
        loads = not reached.isdisjoint(self._resolve(LOADER))
        if stage is None and loads:
            raise ValueError(f"the script {script!r} loads a stage by its name: say which, stage=…")
        if stage is None:
            return reached
        if not loads:
            raise ValueError(f"the script {script!r} loads no stage, so that {stage!r} has nothing to do with it")
        source = self.source(f"{STAGES}.{stage}")
        if source is None:
            raise ValueError(f"there is no stage {stage!r} in {STAGES}")
        # Of the stage counts what the code that loads it takes of it, which may take more in its turn.
        while True:
            asked = {name for found in reached for part in self._parts(found) for name in part.asks}
            taken = asked.intersection([*source.definitions, *source.imports])
            more = {found for name in taken for found in self._resolve(f"{STAGES}.{stage}.{name}")}
            if more <= reached:
                return reached
            reached = self._follow(more, reached)

    def source(self, module: str) -> Source | None:
        """Return what a module says, by its dotted name (a script's is its own); None where there is no such module."""
        if module not in self._sources:
            self._sources[module] = self._read(module)
        return self._sources[module]

    def _read(self, module: str) -> Source | None:
        if module not in self._files:
            return None
        text, package = self._files[module]
        return Source.load(self.known.get(self._marks[module], lambda: read_source(text, module, package).dump()))

    def _parts(self, found: Definition) -> tuple[Part, ...]:
        source = self.source(found.module)
        assert source is not None
        if found.name == LOOSE:
            return source.loose
        return source.program if found.name == PROGRAM else source.definitions[found.name]

    def _follow(self, begin: Iterable[Definition], reached: set[Definition]) -> set[Definition]:
        """Return what is reached already, and all that the definitions lead to."""
        reached = set(reached)
        todo = list(begin)
        while todo:
            found = todo.pop()
            if found not in reached:
                reached.add(found)
                if found not in self._next:
                    refers = [target for part in self._parts(found) for target in part.refers]
                    meant = [target for name in refers for target in self._resolve(name)]
                    self._next[found] = (Definition(found.module, LOOSE), *meant)
                todo += self._next[found]
        return reached

    def _resolve(self, reference: str) -> tuple[Definition, ...]:
        """Return what a reference means: a definition, or all of a module that is used as a value or started."""
        if reference not in self._meant:
            self._meant[reference] = ()  # two modules that import a name from each other have it nowhere
            self._meant[reference] = tuple(found for place in reference.split(OR) for found in self._find(place))
        return self._meant[reference]

    def _find(self, reference: str) -> Iterable[Definition]:
        if reference.startswith(RUN):
            module = reference.removeprefix(RUN)
            program = f"{module}.__main__" if self.source(f"{module}.__main__") else module
            return [] if _transparent(program) else self._program(program)
        module, *names = reference.split(".")
        source = self.source(module)
        while names and source and names[0] not in source.definitions and names[0] not in source.imports:
            if self.source(f"{module}.{names[0]}") is None:
                return [] if _transparent(module) else [Definition(module, LOOSE)]
            module = f"{module}.{names.pop(0)}"
            source = self.source(module)
        if source is None or _transparent(module):
            return []
        if not names:
            return self._whole(module)
        if names[0] in source.definitions:
            return [Definition(module, names[0])]
        return self._resolve(extend(source.imports[names[0]], names[1:]))

    def _whole(self, module: str) -> list[Definition]:
        source = self.source(module)
        assert source is not None
        imported = [found for target in source.imports.values() for found in self._resolve(target)]
        return [*(Definition(module, name) for name in source.definitions), Definition(module, LOOSE), *imported]

    def _program(self, module: str) -> list[Definition]:
        """Return what runs where a module is started as a program."""
        source = self.source(module)
        if source is None:
            return []
        return [Definition(module, name) for name in (LOOSE, PROGRAM, *source.assigned)]

    def _digest(self, found: Definition) -> str:
        """Return the digest of a definition's code and of what its references mean, wherever that is."""
        if found not in self._digests:
            lines = []
            for part in self._parts(found):
                meant = [
                    sorted(p.digest for target in self._resolve(name) for p in self._parts(target))
                    for name in part.refers
                ]
                lines.append(f"{part.digest} {meant}")
            self._digests[found] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return self._digests[found]


class _File(NamedTuple):
    text: bytes
    package: bool

    def mark(self, module: str) -> str:
        """Return what tells this file from any other, and from itself with another text."""
        return hashlib.sha256(f"{_reader()} {module} {self.package}\n".encode() + self.text).hexdigest()


def _files(folder: str, module: str = "") -> Iterator[tuple[str, _File]]:
    """Yield the Python files of a folder and of the folders in it, by their modules' dotted names."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            stem, _, suffix = entry.name.rpartition(".")
            if entry.is_dir():
                if entry.name.isidentifier() and entry.name != "__pycache__":
                    yield f"{module}{entry.name}", _File(b"", True)  # unless it has an __init__, which comes later
                    yield from _files(entry.path, f"{module}{entry.name}.")
            elif suffix == "py":
                with open(entry.path, "rb") as handle:
                    text = handle.read()
                yield (module[:-1], _File(text, True)) if stem == "__init__" else (module + stem, _File(text, False))


def _transparent(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in TRANSPARENT)


@functools.cache
def _reader() -> str:
    """Return what tells this way of reading sources from any other: what is known by another one does not count."""
    assert definitions.__file__
    return f"{sys.version} {hashlib.sha256(Path(definitions.__file__).read_bytes()).hexdigest()}"
