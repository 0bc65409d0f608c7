"""Import: the rows of a public set as records, sharded by their ids, with licence and attribution.

An entry of the config's `sources` says where the files are, which field is which column (see `mapping`), and
how many shards there are. A row is read, mapped, checked and written before the next one, so that memory does
not grow with the set. Each row that cannot be used is dropped with its reason, and a set whose first rows lack
a mapped field is refused before anything starts (`check_source`).
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from megascience.ingest.public.field_mapping import Source, parse_mapping, read_row
from megascience.ingest.public.language import foreign_language
from megascience.ingest.public.row_files import check_suffix, iter_rows
from megascience.ingest.reasons import IMPORT_REASONS
from megascience.ingest.schemas import SOURCE_ROWS
from megascience.ingest.text_checks import text_fault
from megascience.storage.drops import DROPPED, Drop, dropped_row
from megascience.storage.errors import InputError
from megascience.storage.files import file_sha256, path_fault, same_files, write_json, write_text
from megascience.storage.hub import dataset_files
from megascience.storage.ids import content_id, shard_of
from megascience.storage.parquet import record_writer
from megascience.storage.shipped import find_file, find_files, shipped_name

logger = logging.getLogger("megascience")

STAGE = "import_source"
#: Rows of each file that are read before anything starts.
HEAD = 100
#: A row of more bytes is dropped, unless the entry says otherwise: ten times the longest reasoning traces.
MAX_ROW_BYTES = 1_000_000
#: What all shards together hold in memory before it goes to disk, and the least that a row group of a shard has.
BUFFER_BYTES = 256_000_000
GROUP_BYTES = 250_000
#: A row of another form costs one row. Where more than this share of a file's first rows cannot be mapped, the
#: mapping or the file is wrong, and the set is refused.
MOST_FAULTS = 0.5
#: Faults of a file's first rows that a message names.
_SHOWN = 3
_FIXES = {
    "malformed_row": "write one JSON object a line",
    "missing_field": "fix config: sources.{name}.mapping",
}


def source_files(name: str, entry: Mapping[str, Any]) -> list[Path]:
    """Return the files of a source: fetched from the hub, or those on this machine.

    Raises:
        InputError: a file is missing, cannot be had, or is neither JSONL nor Parquet.
    """
    if is_local(entry):
        paths = _local_files(name, entry)
    else:
        hub = entry["hub"]
        paths = dataset_files(hub["repo"], hub["revision"], hub["files"], f"config: sources.{name}")
    for path in paths:
        check_suffix(path)
    return paths


def is_local(entry: Mapping[str, Any]) -> bool:
    """Return whether a source is read from files on this machine, which take the place of the hub's."""
    return "path" in entry


def local_patterns(entry: Mapping[str, Any]) -> list[str]:
    """Return the local files and patterns of files that an entry names, none for a set on the hub."""
    given = entry.get("path", [])
    return [given] if isinstance(given, str) else list(given)


def _local_files(name: str, entry: Mapping[str, Any]) -> list[Path]:
    paths, faults = _look_up(name, entry)
    if faults:
        raise InputError("\n".join(faults))
    return paths


def local_faults(name: str, entry: Mapping[str, Any]) -> list[str]:
    """Return one line a fault of the files that an entry names: not there, not usable by their names, there twice."""
    return _look_up(name, entry)[1]


def _look_up(name: str, entry: Mapping[str, Any]) -> tuple[list[Path], list[str]]:
    where = f"config: sources.{name}.path"
    paths: list[Path] = []
    faults = []
    for pattern in local_patterns(entry):
        path = find_file(pattern)
        found = [path] if path.is_file() else [p for p in map(Path, find_files(pattern)) if p.is_file()]
        if not found:
            faults.append(f"{where}: there is no file {pattern}; put it there or fix the path")
        paths += [p for p in found if p not in paths]
    faults += [f"{where}: {fault}" for path in paths if (fault := path_fault(path))]
    faults += [
        f"{where}: {paths[n]} is the same file as {paths[first]}; name it once" for n, first in same_files(paths)
    ]
    return paths, faults


def check_source(name: str, entry: Mapping[str, Any], checked: str | Path) -> None:
    """Read the first rows of each local file of a source and note what was read in `checked`.

    A set on the hub is only noted: its files are fetched, and their first rows read, when it is imported.

    Raises:
        InputError: one line a fault, with file, row and fix.
    """
    sources = parse_mapping(entry["mapping"], f"config: sources.{name}.mapping")
    if not is_local(entry):
        write_text(checked, f"{name}\t{entry['hub']['repo']}\tchecked when it is imported\n")
        return
    lines = [
        f"{name}\t{shipped_name(path)}\t{_check_head(name, entry, path, sources)} rows read\n"
        for path in source_files(name, entry)
    ]
    write_text(checked, "".join(lines))


def _check_head(name: str, entry: Mapping[str, Any], path: Path, sources: Mapping[str, Source]) -> int:
    faults = []
    count = usable = 0
    for number, row in islice(iter_rows(path, _fields(sources), _max_bytes(entry)), HEAD):
        count = number
        read = row if isinstance(row, Drop) else read_row(sources, row)
        if not isinstance(read, Drop):
            usable += 1
        elif read.reason in _FIXES:  # others, such as a null, cost one row and not the set
            faults.append(f"{path}, row {number}: {read.detail}; {_FIXES[read.reason].format(name=name)}")
    if len(faults) <= MOST_FAULTS * count:
        for fault in faults[:_SHOWN]:
            logger.warning("%s; the row will be dropped", fault)
        faults = []
    if not count:
        faults = [f"{path}: has no rows; fetch the file again or take it out of sources.{name}"]
    elif not usable and not faults:
        faults = [f"{path}: none of its first {count} rows can be used; fix the mapping of sources.{name}"]
    if faults:
        more = [f"{path}: {len(faults) - _SHOWN} more of its first {HEAD} rows are faulty"] * (len(faults) > _SHOWN)
        raise InputError("\n".join(faults[:_SHOWN] + more))
    return count


def _max_bytes(entry: Mapping[str, Any]) -> int:
    return int(entry.get("max_row_bytes", MAX_ROW_BYTES))


def _fields(sources: Mapping[str, Source]) -> list[str]:
    return list(dict.fromkeys(source.path[0] for source in sources.values() if source.path))


def import_source(
    name: str,
    entry: Mapping[str, Any],
    *,
    kept: Sequence[str | Path],
    dropped: Sequence[str | Path],
    summary: str | Path,
) -> Counter[str]:
    """Write a source's rows, `schemas.SOURCE_ROWS`, and those that were left out.

    Args:
        name: the source's name in the config; it is part of the ids.
        entry: its entry there: `hub` (`repo`, `revision`, `files`) or `path`; `mapping`; `licence`; and optionally
            `language` ("en", or "any" for no check), `thoughts` ("keep" for a set whose thoughts are wanted) and
            `max_row_bytes`.
        kept, dropped: one file a shard. A row's shard comes from its id alone, a dropped row's from its place.
        summary: JSON of what was read: files with their revisions, licence, and the rows kept and dropped by reason.

    A row's id is a hash of its source, question, answer and reference answer. The first of several rows with
    one id of their own (where the mapping has it), or of one content, is kept.

    Returns:
        the count of rows: read, kept, and by reason of the dropped ones.

    Raises:
        InputError: a file is missing or cut off, or its first rows lack a mapped field.
    """
    sources = parse_mapping(entry["mapping"], f"config: sources.{name}.mapping")
    paths = source_files(name, entry)
    for path in paths:
        _check_head(name, entry, path, sources)
    hub = None if is_local(entry) else entry["hub"]
    reader = _Reader(name, entry, sources)
    group = max(GROUP_BYTES, BUFFER_BYTES // len(kept))
    counts: Counter[str] = Counter()
    files = []
    with ExitStack() as stack:

        def writers(targets: Sequence[str | Path], schema: Any) -> list[Callable[[Mapping[str, Any]], None]]:
            return [stack.enter_context(record_writer(p, schema, {"stage": STAGE}, group)) for p in targets]

        keep, leave = writers(kept, SOURCE_ROWS), writers(dropped, DROPPED)
        for path, label in zip(paths, _labels(paths), strict=True):
            revision = hub["revision"] if hub else f"sha256:{file_sha256(path)}"
            files.append({"file": label, "revision": revision})
            for number, outcome in reader.rows(path):
                counts["read"] += 1
                if counts["read"] % 100_000 == 0:
                    logger.info("%s: %d rows", name, counts["read"])
                if isinstance(outcome, Drop):
                    counts[outcome.reason] += 1
                    place = f"{name}:{label}:{number}"
                    leave[shard_of(place, len(leave))](dropped_row(place, STAGE, outcome, IMPORT_REASONS))
                    continue
                counts["kept"] += 1
                outcome |= {"file": label, "row": number, "revision": revision}
                keep[shard_of(outcome["qa_id"], len(keep))](outcome)
    if not counts["kept"]:
        raise InputError(f"config: sources.{name}: none of {counts['read']} rows can be used ({dict(counts)})")
    facts = {"source": name, "hub": hub and hub["repo"], "licence": entry["licence"]}
    write_json(summary, {**facts, "files": files, "rows": dict(counts)})
    return counts


def _labels(paths: Sequence[Path]) -> list[str]:
    """Return names that tell the files apart wherever they lie: as much of the ends of their paths as it takes."""
    for parts in range(1, max(len(path.parts) for path in paths) + 1):
        labels = ["/".join(path.parts[-parts:]) for path in paths]
        if len(set(labels)) == len(labels):
            break
    return labels


class _Reader:
    """Maps and checks rows, and remembers the ids that came, as 8 bytes each (of 2.5 million rows, two fall
    together with a probability of 2e-7)."""

    def __init__(self, name: str, entry: Mapping[str, Any], sources: Mapping[str, Source]) -> None:
        self.name = name
        self.sources = sources
        self.licence = entry["licence"]
        self.english = entry.get("language", "en") == "en"
        self.thoughts = entry.get("thoughts") == "keep"
        self.max_bytes = _max_bytes(entry)
        self.own_ids: set[int] = set()
        self.contents: set[int] = set()

    def rows(self, path: Path) -> Iterator[tuple[int, dict[str, Any] | Drop]]:
        """Yield (number from 1, record or drop) of a file's rows."""
        for number, row in iter_rows(path, _fields(self.sources), self.max_bytes):
            yield number, row if isinstance(row, Drop) else self._record(row)

    def _record(self, row: Mapping[str, Any]) -> dict[str, Any] | Drop:
        texts = read_row(self.sources, row)
        if isinstance(texts, Drop):
            return texts
        texts = {name: _writable(text) for name, text in texts.items()}
        size = sum(len(text.encode()) for text in texts.values() if text)
        if size > self.max_bytes:
            return Drop("row_too_long", f"{size} bytes")
        question, answer = texts["question"], texts.get("answer")
        assert question is not None
        for name in ("question", "answer", "reference_answer"):
            if fault := text_fault(texts.get(name) or "", self.thoughts):
                why, found = fault
                return Drop(why, f"{name}: {found}")
        own_id = texts.get("id")
        if own_id is not None and not _new(own_id, self.own_ids):
            return Drop("repeated_id", own_id)
        if self.english and (language := foreign_language(question)):
            return Drop("not_english", language)
        reference = texts.get("reference_answer")
        qa_id = content_id(self.name, question, answer or "", reference or "")
        if not _new(qa_id, self.contents):
            return Drop("repeated_row", qa_id)
        return {
            "qa_id": qa_id,
            "source": self.name,
            "question": question,
            "answer": answer,
            "reference_answer": reference,
            "subject": texts.get("subject"),
            "licence": texts.get("licence") or self.licence,
            "row_id": own_id,
        }


def _new(text: str, seen: set[int]) -> bool:
    """Note a text and return whether it came for the first time."""
    key = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
    if key in seen:
        return False
    seen.add(key)
    return True


def _writable(text: str | None) -> str | None:
    """Return the text with U+FFFD for halves of surrogate pairs, which JSON may hold and UTF-8 cannot."""
    if text is None or text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
