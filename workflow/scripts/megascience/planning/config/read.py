"""Reading the configuration: files laid over each other, checked, with every default filled in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from megascience.planning.config.model import Config
from megascience.planning.config.section import KeyPath, checked
from megascience.storage.errors import InputError


def read_config(files: Sequence[str | Path]) -> Config:
    """Return the configuration that some YAML files make together; a later one overrides an earlier one key by key,
    lists as a whole.

    Raises:
        InputError: a file cannot be read, or one line a fault of what is in them.
    """
    merged: dict[str, Any] = {}
    for path in files:
        merged = _merged(merged, read_mapping(path))
    return check_config(merged, files)


def check_config(config: Mapping[str, Any], files: Sequence[str | Path] = ()) -> Config:
    """Return a configuration that was merged already, as Snakemake does it.

    Args:
        config: its keys.
        files: the files that it came from, a later one over an earlier one, to name the place of a fault.

    Raises:
        InputError: one line a fault, with the key, its place, and what may be there.
    """
    found: Config = checked(Config, dict(config), "config", lambda path: _origin(path, config, files))
    return found


def _origin(path: KeyPath, config: Mapping[str, Any], files: Sequence[str | Path]) -> str:
    """Return the place of a key, "the command line" where it is not what the last file that has it says."""
    for file in reversed(files):
        try:
            written, known = _at(read_mapping(file), path)
        except InputError:
            continue
        if known:
            value, _ = _at(config, path)
            # A mapping may be of several files; anything else is of the last one that has it.
            same = isinstance(value, dict) or (type(written), written) == (type(value), value)
            return place_of(path, [file]) if same else "the command line"
    return place_of(path, files)


def _at(value: Any, path: KeyPath) -> tuple[Any, bool]:
    """Return what a path of keys leads to, and whether it leads anywhere."""
    for step in path:
        inside = step in value if isinstance(value, Mapping) else isinstance(value, list) and step in range(len(value))
        if not inside:
            return None, False
        value = value[step]
    return value, True


def place_of(path: KeyPath, files: Sequence[str | Path]) -> str:
    """Return `file, line n` of the last file that has a key, else "": it may come from the command line."""
    for file in reversed(files):
        try:
            with open(file, encoding="utf-8") as text:
                node = yaml.compose(text, Loader=yaml.SafeLoader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue
        line = _line(node, path)
        if line is not None:
            here = Path(file).absolute()
            return f"{here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else file}, line {line}"
    # Of a key that is missing, the section that lacks it.
    return place_of(path[:-1], files) if len(path) > 1 else ""


def _line(node: Any, path: KeyPath) -> int | None:
    """Return the line of a path of keys in a YAML document, None where it is not there."""
    line = None
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if found is None:
                return None
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return None
    return line


def read_mapping(path: str | Path) -> dict[str, Any]:
    """Return a YAML file that maps keys to values.

    Raises:
        InputError: it is not there, is not YAML, or is something else.
    """
    try:
        value = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as YAML ({error}); correct the path or the file") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: is not a mapping of keys to values; write it as YAML `key: value`")
    return value


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = _merged(old if isinstance(old, dict) else {}, value) if isinstance(value, dict) else value
    return result
