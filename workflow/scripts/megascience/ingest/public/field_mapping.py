"""Mapping: which field of a public set's row becomes which column of ours, declared in the config.

    mapping:
      id: uuid                        # a field
      question: input.-1.content      # a path: keys, and places in lists, from 0 or from the end (-1)
      answer: output
      reference_answer: {field: output, part: after_thought}
      subject: {value: chemistry}     # the same for every row

`question` is needed; what else is not mapped is null. `part` takes a piece of the text: `after_thought` is what
follows the thought of a reasoning model (`<think>…</think>`), null where the thought never ends or nothing follows.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from megascience.storage.drops import Drop
from megascience.storage.errors import InputError

#: The columns that a mapping may give, in the order of messages.
TARGETS = ("id", "question", "answer", "reference_answer", "subject", "licence")

_PLACE = re.compile(r"-?\d+")
_END_OF_THOUGHT = "</think>"


def _after_thought(text: str) -> str | None:
    _, found, rest = text.rpartition(_END_OF_THOUGHT)
    return rest if found else None


#: What may be taken of a text, by the name that `part` gives.
PARTS: dict[str, Callable[[str], str | None]] = {"after_thought": _after_thought}


class Absent(Exception):
    """A row lacks a field, or has something in its place that cannot be read; the message says what."""


@dataclass(frozen=True)
class Source:
    """Where a column's text comes from: a constant, or a path into the row and a part of what is there."""

    path: tuple[str, ...]
    part: str | None = None
    value: str | None = None

    def read(self, row: Mapping[str, Any]) -> str | None:
        """Return the text without the space around it, None where it is null, empty, NaN or infinite.

        Raises:
            Absent: the row has no such field, or what is there is neither a text nor a number.
        """
        if self.value is not None:
            return self.value
        found: Any = row
        for depth, step in enumerate(self.path):
            if found is None:
                return None
            found = _step(found, step, self.path[:depth])
        if found is None or (isinstance(found, float) and not math.isfinite(found)):
            return None  # NaN is how tables write a missing value, and no number that a text could show
        if isinstance(found, bool) or not isinstance(found, str | int | float):
            raise Absent(f"field {'.'.join(self.path)!r} is {_kind(found)}, not a text")
        text: str | None = str(found)
        if self.part is not None:
            text = PARTS[self.part](str(found))
        return (text or "").strip() or None


def _step(found: Any, step: str, above: tuple[str, ...]) -> Any:
    where = f"field {'.'.join(above)!r}" if above else "the row"
    if isinstance(found, Mapping):
        if step not in found:
            raise Absent(f"{where} has no field {step!r} (it has {', '.join(map(str, found)) or 'none'})")
        return found[step]
    if isinstance(found, list):
        if not _PLACE.fullmatch(step):
            raise Absent(f"{where} is a list; write a place (0, or -1 for the last) before {step!r}")
        place = int(step)
        return found[place] if -len(found) <= place < len(found) else None
    raise Absent(f"{where} is {_kind(found)} and has no field {step!r}")


_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", bytes: "binary data"}


def _kind(found: Any) -> str:
    if isinstance(found, int | float) and not isinstance(found, bool):
        return "a number"
    return _KINDS.get(type(found), f"a {type(found).__name__}")


def parse_mapping(mapping: Mapping[str, Any], where: str = "mapping") -> dict[str, Source]:
    """Return the sources of the columns that a config's mapping names.

    Raises:
        InputError: one line a fault: an unknown column, `question` missing, or a source that is malformed.
    """
    faults = [f"{where} has no question; name the field that holds it"] if "question" not in mapping else []
    faults += [
        f"{where}.{name}: unknown column; known: {', '.join(TARGETS)}" for name in mapping if name not in TARGETS
    ]
    sources = {}
    for name, given in mapping.items():
        spec = {"field": given} if isinstance(given, str) else given
        keys = set(spec) if isinstance(spec, Mapping) else set()
        if keys == {"value"} and isinstance(spec["value"], str) and spec["value"]:
            sources[name] = Source((), value=spec["value"])
        elif (
            keys in ({"field"}, {"field", "part"}) and isinstance(spec["field"], str) and all(spec["field"].split("."))
        ):
            sources[name] = Source(tuple(spec["field"].split(".")), spec.get("part"))
            if "part" in keys and spec["part"] not in PARTS:
                faults.append(f"{where}.{name}.part is {spec['part']!r}; use {', '.join(PARTS)}")
        else:
            faults.append(f"{where}.{name} is {given!r}; write a field, {{field, part}} or {{value}}")
    if faults:
        raise InputError("\n".join(faults))
    return sources


def read_row(sources: Mapping[str, Source], row: Mapping[str, Any]) -> dict[str, str | None] | Drop:
    """Return the mapped texts of a row, or why it cannot be used.

    A row needs its question, and its id and its answer where the mapping has them; the rest may be null.
    """
    texts: dict[str, str | None] = {}
    for name, source in sources.items():
        try:
            texts[name] = source.read(row)
        except Absent as fault:
            return Drop("missing_field", f"{name}: {fault}")
        if texts[name] is None and name in ("id", "question", "answer"):
            return Drop("empty_field", name)
    return texts
