"""The registry of benchmarks: a closed schema, read and checked at once."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from megascience.evaluation.adapters import ADAPTERS
from megascience.scoring.model import KINDS
from megascience.storage.errors import InputError
from megascience.storage.files import path_fault

GROUPS = ("general", "specific", "math")
#: What counts as a benchmark's score: the mean over samples, the majority of them, or one right one among k.
METRIC = re.compile(r"accuracy|majority|pass@[1-9]\d*")
_REQUIRED = ("source", "adapter", "kind", "group")
_DEFAULTS: dict[str, Any] = {
    "metric": "accuracy", "in_average": True, "rows": None, "prompt": None, "few_shot_prompt": None
}  # fmt: skip
_HUB = ("repo", "revision", "files")
_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def load_registry(path: str | Path) -> dict[str, dict[str, Any]]:
    """Read a registry of benchmarks.

    Args:
        path: a YAML mapping from a benchmark's name to its entry: `source` (`hub` with repo, revision and files, or
            `path` with one path or several), `adapter`, `kind`, `group`, and optionally `metric` (accuracy, majority
            or pass@k), `in_average`, `rows` (how many rows the source has), `prompt` and `few_shot_prompt` (files in
            the place of the config's).

    Returns:
        The entries in the file's order, each with its `name` and all optional keys filled in.

    Raises:
        InputError: all faults of the file, one a line, each naming file, entry and key.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error}); set evaluate.registry to an existing file") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML ({error})") from error
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"{path}: must map each benchmark's name to its entry")
    faults = [f"{path}: {fault}" for name, entry in content.items() for fault in _faults(name, entry)]
    if faults:
        raise InputError("\n".join(faults))
    return {name: {"name": name, **_DEFAULTS, **entry} for name, entry in content.items()}


def local_files(entry: Mapping[str, Any]) -> list[str]:
    """Return the local paths that an entry is read from, relative to the registry's root; none for a hub source."""
    paths = entry["source"].get("path", [])
    return [paths] if isinstance(paths, str) else list(paths)


def _faults(name: Any, entry: Any) -> list[str]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return [f"{name!r} is no benchmark name; use lower-case letters, digits and _"]
    if not isinstance(entry, Mapping):
        return [f"{name}: must be a mapping with {', '.join(_REQUIRED)}"]
    faults = [f"{name}: key {key!r} is missing" for key in _REQUIRED if key not in entry]
    known = (*_REQUIRED, *_DEFAULTS)
    faults += [f"{name}: unknown key {key!r}; known: {', '.join(known)}" for key in entry if key not in known]
    for key, allowed in (("adapter", tuple(ADAPTERS)), ("kind", KINDS), ("group", GROUPS)):
        if key in entry and entry[key] not in allowed:
            faults.append(f"{name}: {key} {entry[key]!r} does not exist; use one of {', '.join(allowed)}")
    if not METRIC.fullmatch(str(entry.get("metric", "accuracy"))):
        faults.append(
            f"{name}: metric {entry['metric']!r} does not exist; use accuracy, majority or pass@k, as in pass@4"
        )
    for key in ("prompt", "few_shot_prompt"):
        if entry.get(key) is not None and not isinstance(entry[key], str):
            faults.append(f"{name}: {key} must be the path of a prompt file")
    if not isinstance(entry.get("in_average", True), bool):
        faults.append(f"{name}: in_average must be true or false")
    rows = entry.get("rows")
    if rows is not None and (not isinstance(rows, int) or isinstance(rows, bool) or rows < 1):
        faults.append(f"{name}: rows must be a whole number of at least 1")
    if "source" in entry:
        faults += [f"{name}: source {fault}" for fault in _source_faults(entry["source"])]
    return faults


def _source_faults(source: Any) -> list[str]:
    if not isinstance(source, Mapping) or len(source) != 1 or next(iter(source)) not in ("hub", "path"):
        return ["must be either `hub: {repo, revision, files}` or `path: FILE`"]
    if "path" in source:
        paths = source["path"]
        paths = [paths] if isinstance(paths, str) else paths
        if not isinstance(paths, list) or not paths or not all(isinstance(p, str) and p for p in paths):
            return ["path must be a path or a list of paths"]
        return [fault for path in paths if (fault := path_fault(path))]
    hub = source["hub"]
    if not isinstance(hub, Mapping):
        return ["hub must be a mapping with repo, revision and files"]
    faults = [f"hub: key {key!r} is missing" for key in _HUB if key not in hub]
    faults += [f"hub: unknown key {key!r}; known: {', '.join(_HUB)}" for key in hub if key not in _HUB]
    if "revision" in hub and not (isinstance(hub["revision"], str) and _COMMIT.fullmatch(hub["revision"])):
        faults.append("hub: revision must be a commit of 40 hex digits, so that the items cannot change")
    files = hub.get("files")
    if "files" in hub and (not isinstance(files, list) or not files or not all(isinstance(f, str) for f in files)):
        faults.append("hub: files must be a list of file names or patterns in the repository")
    return faults
