"""What the jobs of a run really ran, to be compared with what their code hashes cover.

`traced` makes a checkout trace its jobs; `jobs` reads what was noted.
"""

import ast
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from checkout import ROOT, Checkout
from imported import library_files
from megascience.planning.code_hash import LOOSE, TRANSPARENT, Definition, Known, Library
from megascience.planning.definitions import PACKAGE


@dataclass
class Job:
    """What all jobs of one rule ran.

    Attributes:
        code: the rule's code hash.
        ran: the definitions of ours that were executed, but for those that ran while a module was loaded, and those
            that only a transparent module called.
        loaded: the modules that were loaded.
    """

    code: str | None
    ran: set[Definition] = field(default_factory=set)
    loaded: set[str] = field(default_factory=set)


def traced(checkout: Checkout) -> Checkout:
    """Make a checkout trace the jobs of its runs."""
    shutil.copy(ROOT / "tests/workflow/tracer.py", checkout.root / "workflow/library/sitecustomize.py")
    folder = checkout.root / "traces"
    folder.mkdir()
    left_out = " ".join(name.removeprefix(f"{PACKAGE}.") for name in TRANSPARENT)
    path = str(checkout.root / "workflow/library")
    checkout.environment = {"TRACES": str(folder), "TRACES_LEFT_OUT": left_out, "PYTHONPATH": path}
    return checkout


def jobs(checkout: Checkout) -> dict[str, Job]:
    """Return rule → what its jobs ran."""
    notes = [(path.stem, json.loads(path.read_text())) for path in (checkout.root / "traces").iterdir()]
    library = checkout.root / "workflow/scripts" / PACKAGE
    rules = {pid: note["job"] for pid, note in notes if note["job"]}
    found: dict[str, Job] = {}
    for _, note in notes:
        rule = rules[note["of"]]
        job = found.setdefault(rule["rule"], Job(rule["code"]))
        job.ran |= {definition(library, path, line) for path, line, _ in note["ran"]}
        job.loaded |= {module(path) for path in note["loaded"]}
    return found


def module(path: str) -> str:
    """Return the dotted name of a file of the library."""
    return ".".join([PACKAGE, *Path(path).with_suffix("").parts]).removesuffix(".__init__")


@cache
def _lines(path: Path) -> list[tuple[int, int, str]]:
    """Return the first and last line of each statement at the top of a file, and the name that it defines."""
    found = []
    for node in ast.parse(path.read_text()).body:
        first = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))])
        name = getattr(node, "name", None)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            name = target.id if isinstance(target, ast.Name) else None
        found.append((first, node.end_lineno or first, name or LOOSE))
    return found


def definition(library: Path, path: str, line: int) -> Definition:
    """Return the definition that a line of a file of the library belongs to."""
    lines = _lines(library / path)
    return next(Definition(module(path), name) for first, last, name in lines if first <= line <= last)


def asked(checkout: Checkout) -> set[tuple[str, str | None]]:
    """Return the script and the stage of each hash that the rules ask for."""
    text = "".join(path.read_text() for path in sorted((checkout.root / "rules").glob("*.smk")))
    return {(script, stage or None) for script, stage in re.findall(r'code_hash\("(\w+)"(?:, stage="(\w+)")?\)', text)}


class Traces:
    """What the jobs of a finished run ran, and what their hashes cover.

    Attributes:
        jobs: rule → what its jobs ran, for the rules that carry a hash.
        scripts: rule → the script and the stage that have its hash; several where they are the same code.
        library: the library as the run had it.
    """

    def __init__(self, checkout: Checkout) -> None:
        self.scripts_folder = checkout.root / "workflow/scripts"
        self.library = Library(self.scripts_folder)
        by_hash: dict[str, set[tuple[str, str | None]]] = {}
        for script, stage in asked(checkout):
            by_hash.setdefault(self.library.code_hash(script, stage), set()).add((script, stage))
        self.jobs = {rule: job for rule, job in jobs(checkout).items() if job.code is not None}
        self.scripts = {rule: by_hash[job.code] for rule, job in self.jobs.items()}

    def uncovered(self) -> list[str]:
        """Return one line for each definition that a job ran although the hash of its rule does not cover it."""
        faults = []
        for rule, job in self.jobs.items():
            covered = set().union(*(self.library.reached(*asked) for asked in self.scripts[rule]))
            faults += [f"{rule}: {found.module}.{found.name}" for found in sorted(job.ran - covered)]
        return faults

    def may_load(self, rule: str) -> set[str]:
        """Return the modules that the rule's jobs have loaded, or would load in another case."""
        files = set().union(
            *(
                library_files(self.scripts_folder / f"{script}.py", self.scripts_folder)
                for script, _ in self.scripts[rule]
            )
        )
        library = self.scripts_folder / PACKAGE
        return self.jobs[rule].loaded | {
            module(str(file.relative_to(library))) for file in files if file.is_relative_to(library)
        }

    def names(self) -> set[str]:
        """Return the scripts that ran."""
        return {script for scripts in self.scripts.values() for script, _ in scripts}

    def stale_after_edits(
        self, definitions: Iterable[Definition], folder: Path
    ) -> Iterator[tuple[Definition, set[str]]]:
        """Yield each definition with the rules whose hash changes when it alone is edited, in a copy of the library."""
        known = Known()
        shutil.copytree(self.scripts_folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
        before = self._hashes(folder, known)
        for found in definitions:
            path = next(p for p in _places(folder, found.module) if p.exists())
            text = path.read_text()
            path.write_text(_edited(text, found.name))
            after = self._hashes(folder, known)
            path.write_text(text)
            yield found, {rule for rule in self.jobs if before[rule] != after[rule]}

    def _hashes(self, folder: Path, known: Known) -> dict[str, str]:
        library = Library(folder, known)
        return {rule: library.code_hash(*self._own(rule)) for rule in self.scripts}

    def _own(self, rule: str) -> tuple[str, str | None]:
        """Return the script and the stage of a rule, also where another stage has the same code."""
        return min(self.scripts[rule], key=lambda asked: (rule not in (asked[1], f"{asked[1]}_generate"), str(asked)))


def _places(folder: Path, module: str) -> tuple[Path, Path]:
    base = folder.joinpath(*module.split("."))
    return base.with_suffix(".py"), base / "__init__.py"


def _edited(text: str, name: str) -> str:
    """Return a file's text with a further statement at the end of one of its functions or classes."""
    node = next(node for node in ast.parse(text).body if getattr(node, "name", None) == name)
    assert isinstance(node, ast.FunctionDef | ast.ClassDef) and node.end_lineno
    lines = text.splitlines()
    lines.insert(node.end_lineno, " " * node.body[0].col_offset + "edited = True")
    return "\n".join(lines) + "\n"
