"""What is written about the configuration: its JSON schema, and its documentation.

python -m megascience.planning.config.describe      # writes config/schema.yaml and docs/configuration.md
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from megascience.planning.config.benchmarks import Benchmark
from megascience.planning.config.model import Config
from megascience.planning.config.section import Section, alternatives, named_fields, pattern_words, sections
from megascience.planning.config.serving import ENGINES, Entry, Serving
from megascience.storage.files import write_text

_MADE = "Made by `python -m megascience.planning.config.describe`; edit the models in planning/config, not this file."


def schema() -> str:
    """Return the JSON schema of the configuration as YAML, for editors that check a file while it is written."""
    made = Config.model_json_schema(by_alias=True)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    plain = _tidy({**head, **made})
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    return f"# {_MADE}\n{text}"


#: Limits that pydantic leaves under its own names where a value has several forms.
_LIMITS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def _tidy(value: Any) -> Any:
    """Drop the names that pydantic makes up, and say "a number" and "this or null" shortly."""
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    tidy = {
        _LIMITS.get(name, name) if not isinstance(part, dict) else name: _tidy(part)
        for name, part in value.items()
        if not (name == "title" and isinstance(part, str)) and not (name == "default" and part is None)
    }
    forms = tidy.get("anyOf", [])
    if {"type": "integer"} in forms and {"type": "number"} in forms:
        forms = [form for form in forms if form != {"type": "integer"}]
    null = {"type": "null"} in forms
    if len(forms) == 1 + null and "type" in forms[0]:
        form = {**forms[0], "type": [forms[0]["type"], "null"]} if null and forms[0]["type"] != "null" else forms[0]
        return {**form, **{name: part for name, part in tidy.items() if name != "anyOf"}}
    return {**tidy, **({"anyOf": forms} if forms else {})}


def documentation() -> str:
    """Return the documentation of every key, as Markdown."""
    lines = [
        "# Configuration",
        "",
        f"<!-- {_MADE} -->",
        "",
        _sentence(Config),
        "",
        "Unknown keys are faults, and a fault is one line with the key, its place and what may be there. Where no "
        "default is given the key is optional, and what holds without it is in italics.",
        "",
        *_table(Config),
    ]
    seen: set[type[Section]] = set()
    for section in [*_reached(Config, seen), *_reached(Benchmark, seen)]:
        lines += ["", *_chapter(section)]
    return "\n".join(lines) + "\n"


def _chapter(section: type[Section]) -> Iterator[str]:
    yield f"## {_title(section)}"
    yield ""
    yield _sentence(section)
    yield ""
    if section is Entry:
        return
    if (above := _above(section)) is not None:
        yield f"All keys of {_link(above)}, and:"
        yield ""
    yield from _table(section)


def _above(section: type[Section]) -> type[Section] | None:
    """Return the section that another one extends."""
    above = section.__bases__[0]
    return above if section is not Entry and issubclass(above, Section) and above is not Section else None


def _sentence(section: type[Section]) -> str:
    text = " ".join((section.__doc__ or "").split())
    if section is Entry:
        engines = ", ".join(f"{_link(ENGINES[name])} (`{name}`)" for name in ENGINES)
        text += f" Its keys are those of its engine: {engines}."
    return text


def _reached(section: type[Section], seen: set[type[Section]]) -> Iterator[type[Section]]:
    """Yield the sections that a section's keys lead to, in the order of the keys; each once."""
    if section not in seen and section is not Config:
        seen.add(section)
        if (above := _above(section)) is not None and above not in seen:
            yield from _reached(above, seen)
        yield section
    below = [form for field in section.model_fields.values() for form in _inside(field.annotation)]
    if section is Serving:
        below += [Entry, *ENGINES.values()]
    for form in below:
        if form not in seen:
            yield from _reached(form, seen)


def _inside(annotation: Any) -> Iterator[type[Section]]:
    for form in alternatives(annotation):
        if get_origin(form) in (list, dict):
            yield from _inside(get_args(form)[-1])
        yield from sections(form)


def _table(section: type[Section]) -> Iterator[str]:
    fields = {name: field for name, field in named_fields(section).items() if _own(section, name, field)}
    marked = [field for field in fields.values() if "changes_text" in _extra(field)]
    yield "| key | value | default | what it is |" + (" can it change a text? |" if marked else "")
    yield "|---|---|---|---|" + ("---|" if marked else "")
    for name, field in fields.items():
        row = f"| `{name}` | {_value(field)} | {_default(field)} | {_cell(field.description or '')} |"
        yield row + (f" {_extra(field).get('changes_text', '')} |" if marked else "")
    if section is Serving:
        yield f"| *a model or an experiment* | {_link(Entry)} | | Where it answers. |"


def _own(section: type[Section], name: str, field: FieldInfo) -> bool:
    """Return whether a key is declared in a section itself, not in the one that it extends."""
    extended = _above(section)
    above = named_fields(extended) if extended else {}
    return name not in above or above[name].description != field.description or above[name].default != field.default


def _extra(field: FieldInfo) -> dict[str, Any]:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _title(section: type[Section]) -> str:
    if "title" in section.model_config:
        return section.model_config["title"] or ""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", section.__name__)
    return words[0] + words[1:].lower()


def _link(section: type[Any]) -> str:
    title = _title(section)
    return f"[{title}](#{re.sub(r'[^a-z -]', '', title.lower()).replace(' ', '-')})"


def _value(field: FieldInfo) -> str:
    limits = [limit for part in field.metadata if (limit := _limit(part))]
    if isinstance(field.annotation, type) and field.annotation is str:
        words = [pattern_words(part.pattern) for part in field.metadata if getattr(part, "pattern", None)]
        return _cell(words[0] if words else "text")
    return _cell(", ".join([_form(field.annotation), *limits]))


def _limit(part: Any) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    said = [f"{sign} {getattr(part, name)}" for name, sign in signs.items() if getattr(part, name, None) is not None]
    return ", ".join(said)


_WORDS = {str: "text", bool: "true or false", int: "whole number", float: "number"}


def _form(annotation: Any) -> str:
    """Return what a value is, in words."""
    if get_origin(annotation) is Annotated:
        form, *parts = get_args(annotation)
        words = [pattern_words(part.pattern) for part in parts if getattr(part, "pattern", None)]
        limits = [
            limit for part in parts for limit in [_limit(part), *map(_limit, getattr(part, "metadata", ()))] if limit
        ]
        return words[0] if words else ", ".join([_form(form), *limits])
    forms = [form for form in get_args(annotation) if form is not type(None)]
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{word}`" for word in forms)
    if get_origin(annotation) is list:
        return f"list of {_form(forms[0])}"
    if get_origin(annotation) is dict:
        named = _form(forms[0]) if get_origin(forms[0]) is Literal else "name"
        return f"{named}: {_form(forms[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return _link(annotation)
    if annotation is Any:
        return "anything"
    if forms:  # a union
        simple = [form for form in forms if form is not int or float not in forms]
        return " or ".join(dict.fromkeys(_form(form) for form in simple))
    return _WORDS[annotation]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    if field.exclude_if is not None:
        unset = _extra(field).get("unset")
        return "" if unset is None else f"*{_cell(unset if isinstance(unset, str) else _code(unset))}*"
    default = field.get_default(call_default_factory=True)
    return _cell(_code(default.plain() if isinstance(default, Section) else default))


def _code(value: Any) -> str:
    if isinstance(value, dict):
        value = {name: entry.plain() if isinstance(entry, Section) else entry for name, entry in value.items()}
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[5]
    write_text(root / "config/schema.yaml", schema())
    write_text(root / "docs/configuration.md", documentation())
