"""Canned: answers from a file, for tests and for measuring our own machinery.

The file (`serving["answers"]` or the model's path) is YAML or JSONL: a list of rules, the first that
matches answers. A rule may hold

    key: HEX              the request's key
    contains: TEXT        a piece of one of the messages
    pattern: REGEX        found in one of the messages
    text: TEXT | [TEXT]   the answer; of several the one at (seed modulo their number)
    finish_reason: WORD   "stop" unless given
    delay: SECONDS        how long the answer takes
    error: TEXT           the engine stops with this message

A rule without key, contains and pattern matches every request.
"""

import heapq
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from megascience.inference.engines.base import Completion, ModelSpec, NextRequest, Request
from megascience.storage.errors import EngineError

#: Seconds between two looks at the file that holds answers back.
HOLD_EVERY = 0.05

_KEYS = {"key", "contains", "pattern", "text", "finish_reason", "delay", "error"}


class CannedEngine:
    """Settings in `serving`: `answers` (path), `concurrency` (requests in flight, 8), `log` (a JSONL file
    to which the key and seed of each request are appended before it is answered), `hold` (a file with a number:
    while it exists, the engine gives only so many answers, and then waits with its requests in flight)."""

    def __init__(self, spec: ModelSpec) -> None:
        self.path = Path(spec.serving.get("answers") or spec.path)
        self.concurrency = int(spec.serving.get("concurrency", 8))
        self.log = Path(spec.serving["log"]) if "log" in spec.serving else None
        self.hold = Path(spec.serving["hold"]) if "hold" in spec.serving else None
        self.rules: list[dict[str, Any]] = []

    def start(self) -> None:
        try:
            text = self.path.read_text(encoding="utf-8")
            if self.path.suffix == ".jsonl":
                rules = [json.loads(line) for line in text.splitlines() if line.strip()]
            else:
                rules = yaml.safe_load(text)
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise EngineError(f"{self.path}: no canned answers ({error}); fix serving.answers") from error
        for number, rule in enumerate(rules, 1):
            if not isinstance(rule, dict) or not set(rule) <= _KEYS or not {"text", "error"} & set(rule):
                raise EngineError(f"{self.path}, rule {number}: needs text or error, and knows {', '.join(_KEYS)}")
            if "pattern" in rule:
                rule["pattern"] = re.compile(rule["pattern"])
        self.rules = rules

    def run(self, next_request: NextRequest) -> Iterator[Completion]:
        flying: list[tuple[float, int, Completion]] = []
        number = given = 0
        with open(self.log or "/dev/null", "a", encoding="utf-8") as log:
            while True:
                while len(flying) < self.concurrency and (request := next_request()) is not None:
                    if self.log is not None:
                        log.write(json.dumps({"key": request.key, "seed": request.sampling.seed}) + "\n")
                        log.flush()
                    rule = self._rule(request)
                    number += 1
                    heapq.heappush(
                        flying, (time.monotonic() + rule.get("delay", 0.0), number, self._answer(rule, request))
                    )
                if not flying:
                    return
                due, _, completion = heapq.heappop(flying)
                if (wait := due - time.monotonic()) > 0:
                    time.sleep(wait)
                while self._holds(given):
                    time.sleep(HOLD_EVERY)
                given += 1
                yield completion

    def close(self) -> None:
        self.rules = []

    def _holds(self, given: int) -> bool:
        """Return whether no further answer may be given now."""
        if self.hold is None:
            return False
        try:
            return given >= int(self.hold.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return False

    def _rule(self, request: Request) -> dict[str, Any]:
        contents = [message["content"] for message in request.messages]
        for rule in self.rules:
            if "key" in rule and rule["key"] != request.key:
                continue
            if "contains" in rule and not any(rule["contains"] in content for content in contents):
                continue
            if "pattern" in rule and not any(rule["pattern"].search(content) for content in contents):
                continue
            if "error" in rule:
                raise EngineError(rule["error"])
            return rule
        raise EngineError(f"{self.path}: no rule answers request {request.key}; add a rule without conditions")

    def _answer(self, rule: dict[str, Any], request: Request) -> Completion:
        text = rule["text"]
        if isinstance(text, list):
            text = text[request.sampling.seed % len(text)]
        return Completion(
            key=request.key,
            text=text,
            finish_reason=rule.get("finish_reason", "stop"),
            prompt_tokens=sum(message["content"].count(" ") + 1 for message in request.messages),
            completion_tokens=text.count(" ") + 1,
        )
