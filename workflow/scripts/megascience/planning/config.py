"""Settings: the workflow's configuration for the command line, read as the workflow reads it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from megascience.storage.errors import InputError
from megascience.storage.text import one_line

#: Characters of a fault: the validator quotes the value, which may be half the configuration.
_FAULT = 300


def read_settings(configs: Sequence[str | Path], schema: str | Path) -> dict[str, Any]:
    """Return the configuration that some files make together, with the defaults of the schema filled in.

    Args:
        configs: YAML files; a later one overrides an earlier one key by key, lists as a whole.
        schema: the JSON schema of the configuration, as YAML.

    Raises:
        InputError: a file cannot be read. Whether its keys are right, `check_keys` tells.
    """
    merged: dict[str, Any] = {}
    for path in configs:
        merged = _merged(merged, _mapping(path))
    root = _mapping(schema)
    return _with_defaults(merged, root, root)


def check_keys(config: Mapping[str, Any], schema: str | Path) -> None:
    """Check a configuration against the schema.

    Raises:
        InputError: one line a fault, with the key and what may stand there.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    faults = []
    for error in Draft202012Validator(_mapping(schema)).iter_errors(config):
        deepest = best_match([error]) or error
        key = ".".join(map(str, deepest.absolute_path)) or "top level"
        if deepest.validator == "additionalProperties" and "properties" in deepest.schema:
            known = deepest.schema["properties"]
            strange = ", ".join(repr(name) for name in deepest.instance if name not in known)
            faults.append(f"config: {key}: unknown key {strange}; known: {', '.join(known)}")
        else:
            meant = f" ({deepest.schema['description']})" if "description" in deepest.schema else ""
            said = one_line(deepest.message, _FAULT)
            faults.append(f"config: {key}: {said}{meant}; mend it, see {schema}")
    if faults:
        raise InputError("\n".join(faults))


def _mapping(path: str | Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as YAML ({error}); mend the path or the file") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: is no mapping of keys to values; write it as YAML `key: value`")
    return value


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = _merged(old if isinstance(old, dict) else {}, value) if isinstance(value, dict) else value
    return result


def _with_defaults(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """Fill in defaults of properties at every depth, through `$ref` into `$defs`."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        return [_with_defaults(item, schema.get("items", {}), root) for item in value]
    if not isinstance(value, dict):
        return value
    filled = dict(value)
    properties = schema.get("properties", {})
    for key, part in properties.items():
        if key not in filled and "default" in part:
            filled[key] = part["default"]
    other = schema.get("additionalProperties")
    for key, part in filled.items():
        rule = properties.get(key, other if isinstance(other, dict) else {})
        filled[key] = _with_defaults(part, rule, root)
    return filled
