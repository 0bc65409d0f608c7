"""Typed sections: what a file of keys and values may hold, and one line for each fault of it.

A section is a pydantic model that takes no unknown key and converts nothing. Its plain values, which rules hand to
scripts and Snakemake compares, are the same for equal sections whatever the order they were written in. A key that
was declared with `optional` is among them only where it is set: declaring one more makes no result stale.
"""

import difflib
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from megascience.storage.errors import InputError
from megascience.storage.text import one_line

#: Characters of a value that a fault quotes.
_QUOTED = 80

#: A number as it is written: 1 stays 1 and 1.0 stays 1.0, since both shape what is compared.
Number = int | float

#: A path of keys and places in lists.
KeyPath = tuple[str | int, ...]

T = TypeVar("T")


def _distinct(values: list[T]) -> list[T]:
    twice = next((value for number, value in enumerate(values) if value in values[:number]), None)
    if twice is not None:
        raise ValueError(f"{twice!r} is there twice; take one out")
    return values


#: A list that holds something, and nothing twice.
Distinct = Annotated[list[T], Field(min_length=1), AfterValidator(_distinct)]


class Section(BaseModel):
    """A part of a configuration: unknown keys are faults, values are not converted, nothing can be changed."""

    # Only the outermost section of a file is built, with all that is in it.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, protected_namespaces=(), defer_build=True)

    def plain(self) -> dict[str, Any]:
        """Return plain values in the order of the model's keys, without optional keys that are not set."""
        return self.model_dump(by_alias=True)


def key(description: str, default: Any = ..., **limits: Any) -> Any:
    """Declare a key that is always among the plain values: required, or with the default that is filled in."""
    if isinstance(default, dict | list | Section) or callable(default):
        limits["default_factory"] = default if callable(default) else lambda: type(default)(default)
        return Field(description=description, validate_default=True, **limits)
    return Field(default, description=description, **limits)


def optional(description: str, unset: Any = None, marks: Mapping[str, Any] | None = None, **limits: Any) -> Any:
    """Declare a key that is among the plain values only where it is set; null takes it away.

    Args:
        description: what the key is for.
        unset: what holds where it is not set, for the documentation; the code that reads the key decides it.
        marks: what else the schema and the documentation say of it.
        limits: see pydantic's `Field`.
    """
    extra = {**({} if unset is None else {"unset": unset}), **(marks or {})}
    return Field(
        None, description=description, exclude_if=lambda value: value is None, json_schema_extra=extra, **limits
    )


#: Pattern of a text -> what it is, in words.
_PATTERNS: dict[str, str] = {}


def matching(pattern: str, words: str) -> StringConstraints:
    """Return the constraint that a text matches a pattern, which messages put in words."""
    _PATTERNS[pattern] = words
    return StringConstraints(pattern=pattern)


def pattern_words(pattern: str) -> str:
    """Return what a text that matches a pattern is, in words."""
    return _PATTERNS.get(pattern, f"text that matches {pattern}")


def checked(form: Any, data: Any, where: str, place: Callable[[KeyPath], str] | None = None) -> Any:
    """Return data as a section, or as a mapping or a list of sections.

    Args:
        form: the section, or such as dict[str, Section].
        data: what a file holds.
        where: what each fault begins with, such as the file.
        place: gives the place in a file of a path of keys, "" where it is not known.

    Raises:
        InputError: one line a fault: the key, what is wrong with it, what may be there.
    """
    try:
        return TypeAdapter(form).validate_python(data, strict=True)
    except ValidationError as error:
        raise InputError("\n".join(_lines(form, data, error, where, place))) from None


def _lines(
    form: Any, data: Any, error: ValidationError, where: str, place: Callable[[KeyPath], str] | None
) -> Iterator[str]:
    # A value of one of several forms has a fault for each of them, all with the same opening.
    said: dict[tuple[KeyPath, str], list[str]] = {}
    for fault in error.errors(include_url=False):
        path = _real_path(fault["loc"], data, fault["type"])
        opening, wrong = _said(form, path, fault)
        said.setdefault((path, opening), []).append(wrong)
    for (path, opening), wrongs in said.items():
        found = place(path) if place else ""
        rest = f" ({found})" if found else ""
        yield f"{where}: {opening}{', or '.join(dict.fromkeys(wrongs))}{_meaning(form, path, opening)}{rest}"


def _real_path(loc: Sequence[str | int], data: Any, kind: str) -> KeyPath:
    """Return a fault's path without the names that pydantic puts in for the alternatives of a union."""
    path: list[str | int] = []
    for number, step in enumerate(loc):
        inside = (isinstance(data, Mapping) and step in data) or (
            isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if inside:
            data = data[step]
            path.append(step)
        elif kind == "missing" and number == len(loc) - 1:
            path.append(step)
    return tuple(path)


def dotted(path: Sequence[str | int]) -> str:
    """Return a path of keys as messages write it, harmless whatever the keys are."""
    return one_line(".".join(map(str, path)), _QUOTED)


def _said(form: Any, path: KeyPath, fault: Any) -> tuple[str, str]:
    """Return what a fault is about, and what is wrong with it."""
    kind, context = fault["type"], fault.get("ctx", {})
    above = f"{dotted(path[:-1])}: " if path[:-1] else ""
    name = one_line(repr(path[-1]), _QUOTED) if path else ""
    if kind == "extra_forbidden":
        return f"{above}unknown key {name}", _known(str(path[-1]), known_keys(form, path[:-1]))
    if kind == "missing":
        return f"{above}key {name} is missing", ""
    if kind == "value_error":  # of a validator of ours
        return f"{dotted(path)}: " if path else "", str(context["error"])
    if fault["loc"][-1:] == ("[key]",):  # the name of an entry
        if kind == "literal_error":
            return f"{above}unknown name {name}", _known(str(path[-1]), literals(form, path[:-1], of_keys=True))
        return f"{above}the name {name} ", _must(fault["msg"], kind, context)
    opening = f"{dotted(path)} is {_shown(fault['input'])}; it " if path else "it "
    if kind == "literal_error":
        words = literals(form, path)
        near = _near(str(fault["input"]), words)
        return opening, "must be " + ("" if len(words) == 1 else "one of ") + ", ".join(map(str, words)) + near
    return opening, _must(fault["msg"], kind, context)


def _shown(value: Any) -> str:
    """Return a value as YAML writes the simple ones."""
    words = {None: "null", True: "true", False: "false"}
    simple = value is None or isinstance(value, bool)
    return words[value] if simple else one_line(repr(value), _QUOTED)


_FORMS = {
    "string_type": "must be text (put it in quotes)",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping of keys to values",
    "list_type": "must be a list",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "too_short": "must have at least {min_length} of them",
    "too_long": "must have at most {max_length} of them",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
}


def _must(message: str, kind: str, context: Mapping[str, Any]) -> str:
    if kind == "string_pattern_mismatch":
        return f"must be {pattern_words(context['pattern'])}"
    return _FORMS[kind].format(**context) if kind in _FORMS else message.replace("Input should", "must")


#: As many known keys as a message lists where one of them is near.
_LISTED = 12


def _known(name: str, known: Sequence[Any]) -> str:
    near, words = _near(name, known), ", ".join(map(str, known))
    if not near:
        return f"; known: {words}"
    return near if len(known) > _LISTED else f"{near} Known: {words}"


def _near(name: str, known: Sequence[Any]) -> str:
    near = difflib.get_close_matches(name, [str(k) for k in known], n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _meaning(form: Any, path: KeyPath, opening: str) -> str:
    if not opening.endswith(("; it ", "is missing")):
        return ""
    described = [field.description for field in fields_at(form, path) if field.description]
    return f" ({described[0]})" if described else ""


# Looking a path of keys up in the models


def alternatives(annotation: Any) -> list[Any]:
    """Return the forms that a value may have, without null."""
    if get_origin(annotation) is Annotated:
        return alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [form for arg in get_args(annotation) for form in alternatives(arg) if form is not type(None)]
    return [annotation]


def sections(annotation: Any) -> list[type[Section]]:
    """Return the sections among the forms that a value may have."""
    return [form for form in alternatives(annotation) if isinstance(form, type) and issubclass(form, Section)]


def named_fields(model: type[Section]) -> dict[str, FieldInfo]:
    """Return a section's keys as files write them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _step(annotation: Any, step: str | int) -> Iterator[tuple[Any, FieldInfo | None]]:
    """Yield what may be under one key of a value: its annotation, and its field where the key is a section's."""
    for form in alternatives(annotation):
        if isinstance(form, type) and issubclass(form, Section):
            field = named_fields(form).get(str(step))
            if field is not None:
                yield field.annotation, field
            elif (extra := form.__annotations__.get("__pydantic_extra__")) is not None:
                yield get_args(extra)[1], None
        elif get_origin(form) in (dict, list):
            yield get_args(form)[-1], None


def _walk(form: Any, path: KeyPath) -> list[tuple[Any, FieldInfo | None]]:
    found: list[tuple[Any, FieldInfo | None]] = [(form, None)]
    for step in path:
        found = [below for annotation, _ in found for below in _step(annotation, step)]
    return found


def fields_at(form: Any, path: KeyPath) -> list[FieldInfo]:
    """Return the declared keys that a path of keys leads to."""
    return [field for _, field in _walk(form, path) if field is not None]


def known_keys(form: Any, path: KeyPath) -> list[str]:
    """Return the keys that may stand under a path of keys."""
    forms = [section for annotation, _ in _walk(form, path) for section in sections(annotation)]
    return list(dict.fromkeys(name for section in forms for name in named_fields(section)))


def literals(form: Any, path: KeyPath, of_keys: bool = False) -> list[Any]:
    """Return the words of the closed set that a path of keys leads to, or that names of its entries are of."""
    forms = [one for annotation, _ in _walk(form, path) for one in alternatives(annotation)]
    if of_keys:
        forms = [name for one in forms if get_origin(one) is dict for name in alternatives(get_args(one)[0])]
    return [word for one in forms if get_origin(one) is Literal for word in get_args(one)]
