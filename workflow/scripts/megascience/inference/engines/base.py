"""What an engine is: requests in, completions out as they finish.

An engine knows nothing of stages, records or journals. It pulls work when it has
room, so that a shard of any size needs constant memory, and so that a request
which turns out to be needed while others run (a retry) is sent without a barrier.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

Message = dict[str, str]

#: What engines say when a prompt does not fit the context: OpenAI, vLLM, llama.cpp, SGLang, TGI.
OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|exceeds? the (?:available |model'?s? )?"
    r"(?:maximum )?context|longer than the (?:maximum )?model|must have less than \d+ tokens|context size",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sampling:
    """How a completion is drawn. All of it shapes the data, and so it is part of a request's key.

    `stop`: strings that end a completion and are not part of it.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    seed: int = 0
    stop: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return all settings; `stop` only where it is set, so that the keys of requests without it stay."""
        settings = asdict(self)
        return settings if self.stop else {key: value for key, value in settings.items() if key != "stop"}


@dataclass(frozen=True)
class Request:
    """One question to a model.

    Attributes:
        key: the journal's key of this request.
        messages: chat messages, `{"role", "content"}`; one of role "text" alone is plain text to go on with.
        sampling: how to draw the answer.
        grammar: a GBNF grammar that holds the answer to its declared form, or None.
        group: requests of one group share a long prefix and should run close together.
    """

    key: str
    messages: tuple[Message, ...]
    sampling: Sampling
    grammar: str | None = None
    group: str = ""


def plain_text(messages: Sequence[Message]) -> str | None:
    """Return the plain text that a model is to go on with, None for a chat."""
    return messages[0]["content"] if messages[0]["role"] == "text" else None


def cut_at_stop(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """Return a completion up to the first of its stop strings, and whether there was one."""
    ends = [place for place in (text.find(end) for end in stop) if place >= 0]
    return (text[: min(ends)], True) if ends else (text, False)


@dataclass(frozen=True)
class Completion:
    """The answer to one request.

    Attributes:
        finish_reason: "stop", "length" (cut at the token limit) or "overflow" (the prompt did not fit).
        prompt_tokens, cached_tokens, completion_tokens: as the engine counted them.
    """

    key: str
    text: str
    finish_reason: str = "stop"
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0


#: Gives the next request, or None when there is none now (later there may be one again).
NextRequest = Callable[[], Request | None]


class Engine(Protocol):
    """The protocol of every engine. Constructing one is cheap; `start` loads the model."""

    def start(self) -> None:
        """Load the model or open the connection.

        Raises:
            EngineError: with the cause and the fix, before any request is sent.
        """

    def run(self, next_request: NextRequest) -> Iterator[Completion]:
        """Yield completions as they finish; end when `next_request` gives None and nothing is in flight.

        After each yielded completion `next_request` is asked again, since the caller may have added a retry.
        """

    def close(self) -> None:
        """Free what `start` took. Safe to call twice."""


@dataclass(frozen=True)
class ModelSpec:
    """Which model answers (data) and where it is served (place).

    Attributes:
        name, revision: what the journal's keys and the provenance carry.
        path: a model file or folder on disk, or "" where the engine resolves the name itself.
        context: the context length in tokens that prompts must fit in, answers included.
        engine: "vllm", "openai", "llamacpp", "transformers" or "canned".
        serving: settings of the engine that never change the data: server address,
            concurrency, threads, parallel sizes, memory fraction.
    """

    name: str
    revision: str
    engine: str
    path: str = ""
    context: int = 4096
    serving: dict[str, Any] = field(default_factory=dict)
