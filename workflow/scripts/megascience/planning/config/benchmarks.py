"""The registry of benchmarks: a file of its own, checked whole before anything runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field, model_validator

from megascience.evaluation.adapters import ADAPTERS
from megascience.planning.config.data import HubFiles, Text
from megascience.planning.config.read import place_of, read_mapping
from megascience.planning.config.section import Section, checked, key, matching, optional
from megascience.scoring.model import KINDS
from megascience.storage.files import path_fault

if TYPE_CHECKING:
    Adapter: TypeAlias = str
    Kind: TypeAlias = str
else:
    Adapter, Kind = Literal[tuple(ADAPTERS)], Literal[KINDS]

BenchmarkName = Annotated[str, matching(r"^[a-z0-9][a-z0-9_]*$", "lower-case letters, digits and _")]


class BenchmarkSource(Section):
    """Where a benchmark's rows are: either `hub` or `path`."""

    hub: HubFiles | None = optional("A data set of the Hugging Face hub.")
    path: Text | Annotated[list[Text], Field(min_length=1)] | None = optional(
        "A file or several on this machine, from the folder `evaluate.root`."
    )

    @model_validator(mode="after")
    def _one(self) -> "BenchmarkSource":
        if (self.hub is None) == (self.path is None):
            raise ValueError("a source is either `hub: {repo, revision, files}` or `path: FILE`; write one of them")
        paths = [self.path] if isinstance(self.path, str) else self.path or []
        if fault := next(filter(None, map(path_fault, paths)), None):
            raise ValueError(fault)
        return self


class Benchmark(Section):
    """A benchmark: where its rows are, how one is read, and how its answers count."""

    metric: Annotated[str, matching(r"^(accuracy|majority|pass@[1-9][0-9]*)$", "accuracy, majority or pass@k")] = key(
        "What counts as its score: the mean over samples, the majority of them, or one right one among k (pass@4).",
        "accuracy",
    )
    in_average: bool = key("Whether it counts in the averages of groups.", True)
    rows: Annotated[int, Field(ge=1)] | None = key("How many rows its files have; null: that is not checked.", None)
    prompt: str | None = key("The file of its own zero-shot prompt.", None)
    few_shot_prompt: str | None = key("The file of its own few-shot prompt.", None)
    source: BenchmarkSource = key("Where its rows are.")
    adapter: Adapter = key("What reads a row; see evaluation/adapters.py.")
    kind: Kind = key("The kind of its answers, by which the scorer compares them.")
    group: Literal["general", "specific", "math"] = key("The group of the averages that it belongs to.")

    def entry(self, name: str) -> dict[str, Any]:
        """Return the benchmark as plain values with its name, as jobs get it."""
        return {"name": name, **self.plain()}


Registry = Annotated[dict[BenchmarkName, Benchmark], Field(min_length=1)]


def load_registry(path: str | Path) -> dict[str, Benchmark]:
    """Read a registry of benchmarks: a YAML mapping from each benchmark's name to its entry.

    Raises:
        InputError: all faults of the file, one a line, each naming file, entry and key.
    """
    found: dict[str, Benchmark] = checked(Registry, read_mapping(path), str(path), lambda keys: place_of(keys, [path]))
    return found
