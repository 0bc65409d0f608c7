"""The lines of a journal: how they are written, told whole from spoiled, and read without their texts.

A line is JSON and opens with the CRC-32 of its rest. The fields of a completion stand in a fixed order
with its text last, so that keys and counts are read by one pattern and no text is parsed at a start.
"""

import dataclasses
import itertools
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from megascience.inference.engines.base import Completion

_OPENING = b'{"crc":"'
_CRC = len(b'{"crc":"00000000",')
_COMPLETION = re.compile(
    rb'"key":"(?P<key>[0-9a-f]{16})","attempt":(?P<attempt>\d+),"finish_reason":"(?P<finish_reason>\w+)",'
    rb'"prompt_tokens":(?P<prompt_tokens>\d+),"cached_tokens":(?P<cached_tokens>\d+),'
    rb'"completion_tokens":(?P<completion_tokens>\d+),"seconds":(?P<seconds>\d+\.\d+),"text":'
)
_FIELDS = tuple(field.name for field in dataclasses.fields(Completion))


@dataclasses.dataclass
class Spent:
    """What a model was asked and gave, summed over completions: counts, tokens as the engine counted, seconds."""

    requests: int = 0
    retried: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    wall_seconds: float = 0.0
    startup_seconds: float = 0.0

    def add(self, other: "Spent", *, same_session: bool = False) -> None:
        """Add up; within a session the seconds are both counted from its start, and the later ones stand."""
        wall = max(self.wall_seconds, other.wall_seconds) if same_session else self.wall_seconds + other.wall_seconds
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        self.wall_seconds = wall


@dataclasses.dataclass(frozen=True)
class Entry:
    """The line of a completion, all but its text."""

    key: str
    spent: Spent

    @classmethod
    def of(cls, body: bytes) -> Self | None:
        """Return the entry of a completion's line (after its checksum), None of any other line."""
        match = _COMPLETION.match(body)
        if match is None:
            return None
        spent = Spent(
            requests=1,
            retried=int(int(match["attempt"]) > 0),
            prompt_tokens=int(match["prompt_tokens"]),
            cached_tokens=int(match["cached_tokens"]),
            completion_tokens=int(match["completion_tokens"]),
            wall_seconds=float(match["seconds"]),
        )
        return cls(match["key"].decode(), spent)


@dataclasses.dataclass
class Session:
    """One start of an engine, and the work of it up to the next one.

    Attributes:
        gpus: how many the engine had.
        started: UTC, ISO 8601.
        spent: in a line, the start-up and what completions cost that are no longer in the journal.
    """

    model: str
    revision: str
    engine: str
    started: str = ""
    gpus: float = 0
    spent: Spent = dataclasses.field(default_factory=Spent)

    @classmethod
    def of(cls, body: bytes) -> Self | None:
        """Return the session of a session's line (after its checksum), None of any other line."""
        if not body.startswith(b'"session":'):
            return None
        entry = json.loads(b"{" + body)
        return cls(**entry["session"], spent=Spent(**entry["spent"]))

    def line(self) -> bytes:
        """Return the session as a line."""
        session = dataclasses.asdict(self)
        spent = session.pop("spent")
        return _line(json.dumps({"session": session, "spent": spent}, separators=(",", ":"))[1:].encode())


def completion_line(completion: Completion, attempt: int, seconds: float) -> tuple[bytes, Entry]:
    """Return a completion, which came `seconds` after its session's start, as a line and as its entry.

    Raises:
        ValueError: a field of the completion is not what it should be.
    """
    c = completion
    # Half a character cannot be stored as UTF-8; a byte-level model may well write one.
    text = c.text.encode("utf-8", "replace").decode()
    body = (
        f'"key":"{c.key}","attempt":{attempt},"finish_reason":"{c.finish_reason}",'
        f'"prompt_tokens":{c.prompt_tokens},"cached_tokens":{c.cached_tokens},'
        f'"completion_tokens":{c.completion_tokens},"seconds":{seconds:.3f},'
        f'"text":{json.dumps(text, ensure_ascii=False)}}}'
    ).encode()
    entry = Entry.of(body)
    if entry is None:
        raise ValueError(f"not a completion that a journal can hold: {completion}")
    return _line(body), entry


def read_completion(line: bytes) -> Completion:
    """Return the completion of a whole line."""
    entry = json.loads(line)
    return Completion(**{name: entry[name] for name in _FIELDS})


def _line(body: bytes) -> bytes:
    return b'{"crc":"%08x",%b\n' % (zlib.crc32(body), body)


def read(line: bytes) -> Entry | Session | None:
    """Return what a line holds, or None where it is not whole."""
    if not line.startswith(_OPENING) or not line.endswith(b"}\n"):
        return None
    body = line[_CRC:-1]
    if line[:_CRC] != b'{"crc":"%08x",' % zlib.crc32(body):
        return None
    return Entry.of(body) or Session.of(body)


def salvage(line: bytes) -> list[bytes]:
    """Return the whole lines in a spoiled one: a lost line end puts two into one.

    The opening stands in no text, where its quotation marks would be escaped.
    """
    starts = [match.start() for match in re.finditer(re.escape(_OPENING), line)]
    pieces = [line[a:b] for a, b in itertools.pairwise([*starts, len(line)])]
    ended = (piece[: piece.rfind(b"}") + 1] + b"\n" for piece in pieces)
    return [piece for piece in ended if read(piece) is not None]


def iter_lines(path: Path) -> Iterator[tuple[bytes, int]]:
    """Yield each line of a file with the place where it starts."""
    start = 0
    with open(path, "rb") as handle:
        for line in handle:
            yield line, start
            start += len(line)
