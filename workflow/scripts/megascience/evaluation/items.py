"""Items: a benchmark's rows from local files or from the hub at its pinned revision, in one form."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from megascience.evaluation.adapters import ADAPTERS, Malformed
from megascience.storage.errors import InputError
from megascience.storage.hub import dataset_files
from megascience.storage.ids import content_id
from megascience.storage.parquet import read_records
from megascience.storage.shipped import find_file


def load_items(entry: Mapping[str, Any], root: str | Path = ".") -> list[dict[str, Any]]:
    """Return a benchmark's items as rows of records.ITEMS, in the source's order.

    Args:
        entry: the benchmark's entry in the registry, with its `name`.
        root: the folder that local paths start from.

    Raises:
        InputError: a file is missing or unreadable, a row is malformed (the message names file, row and field),
            or the source has not the declared number of rows.
    """
    name, adapter = entry["name"], ADAPTERS[entry["adapter"]]
    items: list[dict[str, Any]] = []
    seen: Counter[str] = Counter()
    count = 0
    for path in _files(entry, Path(root)):
        for number, row in enumerate(_rows(path), 1):
            count += 1
            where = f"{path}, row {number}"
            for item in _adapted(adapter, row, where, entry["adapter"]):
                record = _record(name, entry["kind"], item, where)
                seen[record["item_id"]] += 1
                repeat = seen[record["item_id"]]
                if repeat > 1:  # some benchmarks hold an item twice: each keeps its row, under an id of its own
                    record["item_id"] = content_id(record["item_id"], str(repeat))
                items.append(record)
    if entry.get("rows") is not None and count != entry["rows"]:
        raise InputError(f"benchmark {name}: its files have {count} rows, the registry says {entry['rows']}; fix one")
    if not items:
        raise InputError(f"benchmark {name}: no row is an item for adapter {entry['adapter']!r}; check its files")
    return items


def local_files(entry: Mapping[str, Any]) -> list[str]:
    """Return the local paths that an entry is read from, relative to the registry's root; none for a hub source."""
    paths = entry["source"].get("path", [])
    return [paths] if isinstance(paths, str) else list(paths)


def _adapted(adapter: Any, row: Any, where: str, adapter_name: str) -> list[dict[str, Any]]:
    if not isinstance(row, Mapping):
        raise InputError(f"{where}: is not an object; write one object a row")
    try:
        found = adapter(row)
    except KeyError as error:
        raise InputError(f"{where}: field {error} is missing, which adapter {adapter_name!r} needs") from error
    except Malformed as error:
        raise InputError(f"{where}: field {error.field!r} {error}") from error
    except (TypeError, AttributeError, ValueError) as error:
        field = next((key for key, value in row.items() if value is None), "")
        hint = f"; field {field!r} is empty" if field else ""
        raise InputError(f"{where}: has a value that adapter {adapter_name!r} cannot use ({error}{hint})") from error
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _record(benchmark: str, kind: str, item: Mapping[str, Any], where: str) -> dict[str, Any]:
    for field in ("question", "answer"):
        if not isinstance(item[field], str) or not item[field].strip():
            raise InputError(f"{where}: the {field} is empty or no text")
    options = [str(option) for option in item.get("options") or []]
    return {
        "item_id": content_id(benchmark, item["question"], item.get("context") or "", *options),
        "benchmark": benchmark,
        "question": item["question"],
        "options": options,
        "context": item.get("context") or "",
        "answer": item["answer"],
        "kind": item.get("kind") or kind,
        "unit": item.get("unit"),
        "tolerance": item.get("tolerance"),
    }


def _files(entry: Mapping[str, Any], root: Path) -> list[Path]:
    hub = entry["source"].get("hub")
    if hub is not None:
        return dataset_files(hub["repo"], hub["revision"], hub["files"], f"benchmark {entry['name']}")
    paths = [find_file(root / path) for path in local_files(entry)]
    for path in paths:
        if not path.is_file():
            raise InputError(f"benchmark {entry['name']}: {path} is missing; put the file there or fix its source")
    return paths


#: What to do about a benchmark's file that cannot be read.
_AGAIN = "fetch the file again"


def _rows(path: Path) -> Iterator[Any]:
    """Yield the rows of a JSON list, a JSONL, CSV or Parquet file."""
    try:
        if path.suffix == ".parquet":
            yield from read_records(path, fix=_AGAIN)
        elif path.suffix == ".csv":
            with open(path, encoding="utf-8", newline="") as handle:
                yield from csv.DictReader(handle)
        else:
            yield from _json_rows(path)
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); {_AGAIN}") from error


def _json_rows(path: Path) -> Iterator[Any]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json" and text.lstrip()[:1] == "[":
        try:
            yield from json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}: is not valid JSON ({error}); {_AGAIN}") from error
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(
                    f"{path}, row {number}: is not valid JSON ({error}); write one object a line"
                ) from error
