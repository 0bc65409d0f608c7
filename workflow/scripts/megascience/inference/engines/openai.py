"""OpenAI: any server that speaks the chat completions of that interface, asynchronously.

Requests run in an event loop of their own thread, so that they go on while the caller writes
completions down. The caller's `next_request` is only ever called from the caller's thread.
"""

import asyncio
import contextlib
import email.utils
import os
import queue
import re
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from megascience.inference.engines.base import OVERFLOW, Completion, ModelSpec, NextRequest, Request, plain_text
from megascience.storage.errors import EngineError

#: First and longest pause in seconds before a request is sent again; it doubles in between (see RFC 9110
#: on Retry-After, and "exponential backoff and jitter" of the AWS architecture blog, full jitter).
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0

_AGAIN = (408, 409, 425, 429)


class _Unanswered(Exception):
    """A request that will not be answered; the message says why."""


class _Trouble(Exception):
    """A try that failed in a way that may pass; the message says how, `wait` for how many seconds the server asks."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class OpenAIEngine:
    """Settings in `serving`:

    base_url: up to and with `/v1`.
    api_key_env: the environment variable that holds the key; none is sent where this is not set.
    model: the name that the server knows the model by; the model's name unless given.
    concurrency: requests in flight (16).
    deadline: seconds for one request over all its tries (1800).
    connect_timeout: seconds (10).
    start_deadline: seconds to wait for a server that does not answer yet (60).
    grammar_field: the body's field that takes a GBNF grammar, with dots for nested ones: `grammar`
        (llama.cpp), `structured_outputs.grammar` (vLLM). Without it grammars are not sent.
    extra_body: further fields of each request's body.
    seed: whether the server takes a seed (true).
    """

    #: Whether proxies that the environment names (HTTPS_PROXY …) stand between here and the server.
    through_proxies = True

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        serving = spec.serving
        self.base_url = str(serving.get("base_url", "")).rstrip("/")
        self.model = serving.get("model", spec.name)
        self.concurrency = int(serving.get("concurrency", 16))
        self.deadline = float(serving.get("deadline", 1800))
        self.connect_timeout = float(serving.get("connect_timeout", 10))
        self.start_deadline = float(serving.get("start_deadline", 60))
        self.grammar_field = serving.get("grammar_field")
        self.extra_body = dict(serving.get("extra_body", {}))
        self.send_seed = bool(serving.get("seed", True))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._client: Any = None
        self._done: queue.SimpleQueue[Completion | BaseException] = queue.SimpleQueue()
        self._stopped = False

    def start(self) -> None:
        import httpx

        if not re.match(r"https?://", self.base_url):
            raise EngineError(f"serving.base_url is {self.base_url!r}; give the server's address, http(s)://…/v1")
        key = self._key()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.AsyncClient(
            headers=headers,
            trust_env=self.through_proxies,
            timeout=httpx.Timeout(None, connect=self.connect_timeout),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=self.concurrency),
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai-engine", daemon=True)
        self._thread.start()
        self._probe()

    def _probe(self) -> None:
        """Wait for the server to be up, and see that it takes the key, before anything is asked."""
        import httpx
        from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

        assert self._loop is not None
        loop = self._loop
        retries = Retrying(
            retry=retry_if_exception_type(httpx.TransportError),
            stop=stop_after_delay(self.start_deadline),
            wait=wait_fixed(min(1.0, self.start_deadline)),
            reraise=True,
        )
        url = f"{self.base_url}/models"
        try:
            response = retries(
                lambda: asyncio.run_coroutine_threadsafe(self._client.get(url, timeout=30), loop).result()
            )
        except httpx.TransportError as error:
            trouble = f"{self.base_url}: no server answers ({type(error).__name__})"
            raise EngineError(f"{trouble}; start it, or fix serving.base_url") from None
        if response.status_code in (401, 403):
            raise EngineError(self._stop(response))

    def run(self, next_request: NextRequest) -> Iterator[Completion]:
        assert self._loop is not None
        flying = 0
        fault: BaseException | None = None
        while True:
            while fault is None and flying < self.concurrency:
                request = self._take(next_request)
                if request is None:
                    break
                asyncio.run_coroutine_threadsafe(self._answer(request, self._slot(request)), self._loop)
                flying += 1
            if not flying:
                break
            done = self._done.get()
            flying -= 1
            if isinstance(done, Completion):
                self._finished(done)
                yield done
            elif fault is None:
                # What is in flight may still be answered, and is paid for: wait for it, but send nothing new.
                fault = done
                self._stopped = True
        if fault is not None:
            if isinstance(fault, _Unanswered):
                raise EngineError(str(fault)) from None
            raise fault

    def close(self) -> None:
        if self._loop is None:
            return
        loop, self._loop = self._loop, None

        async def finish() -> None:
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._client.aclose()

        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(finish(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        if self._thread is not None:
            self._thread.join(timeout=10)
        loop.close()

    # What an engine that owns its server changes.

    def _key(self) -> str:
        """Return the key that the server asks for, "" where it asks for none."""
        variable = self.spec.serving.get("api_key_env")
        key = os.environ.get(variable, "").strip() if variable else ""
        if variable and not key:
            raise EngineError(f"the environment variable {variable} (serving.api_key_env) is empty; put the key there")
        return key

    def _take(self, next_request: NextRequest) -> Request | None:
        return next_request()

    def _slot(self, request: Request) -> dict[str, Any]:
        return {}

    def _finished(self, completion: Completion) -> None:
        pass

    def _broken(self) -> str:
        """Return why no retry can help after a broken connection, or "" where it may."""
        return ""

    async def _answer(self, request: Request, extra: dict[str, Any]) -> None:
        try:
            self._done.put(await self._ask(request, extra))
        except BaseException as error:
            self._done.put(error)
            if isinstance(error, asyncio.CancelledError):
                raise

    async def _ask(self, request: Request, extra: dict[str, Any]) -> Completion:
        """Send a request until it is answered, its deadline has passed or no retry can help."""
        from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

        ends = time.monotonic() + self.deadline
        body = {**self._body(request), **extra}
        jitter = wait_random_exponential(FIRST_PAUSE, LONGEST_PAUSE)
        trouble = _Trouble("no answer")

        async def send() -> Completion:
            nonlocal trouble
            if self._stopped:
                raise trouble
            if (left := ends - time.monotonic()) <= 0:
                raise TimeoutError
            try:
                async with asyncio.timeout(left):
                    return await self._send(request, body)
            except _Trouble as latest:
                trouble = latest
                raise

        def pause(state: RetryCallState) -> float:
            return min(max(jitter(state), trouble.wait), max(0.0, ends - time.monotonic()))

        def over(state: RetryCallState) -> bool:
            return self._stopped or time.monotonic() >= ends

        retries = AsyncRetrying(
            retry=retry_if_exception_type(_Trouble), wait=pause, stop=over, sleep=asyncio.sleep, reraise=True
        )
        try:
            return await retries(send)
        except (_Trouble, TimeoutError):
            if self._stopped:
                raise _Unanswered(f"given up after another request failed ({trouble})") from None
            raise _Unanswered(
                f"{self.base_url}: request {request.key} was not answered within {self.deadline:g} s "
                f"(last trouble: {trouble}); check the server, or raise serving.deadline, and run again"
            ) from None

    async def _send(self, request: Request, body: Mapping[str, Any]) -> Completion:
        """Send a request once.

        Raises:
            _Trouble: another try may help.
            _Unanswered: no other try can help.
        """
        import httpx

        place = "completions" if "prompt" in body else "chat/completions"
        try:
            response = await self._client.post(f"{self.base_url}/{place}", json=body)
        except httpx.TransportError as error:
            reason = self._broken()
            if reason:
                raise _Unanswered(reason) from None
            raise _Trouble(type(error).__name__) from None
        if response.status_code == 200:
            completion = self._read(request, response)
            if completion is None:
                raise _Trouble("an answer that is not a chat completion")
            return completion
        if response.status_code in _AGAIN or response.status_code >= 500:
            said = f"status {response.status_code}: {self._message(response)}"
            raise _Trouble(said, _retry_after(response.headers.get("retry-after", "")))
        return self._refused(request, response)

    def _body(self, request: Request) -> dict[str, Any]:
        s = request.sampling
        text = plain_text(request.messages)
        body: dict[str, Any] = {
            "model": self.model,
            **({"messages": list(request.messages)} if text is None else {"prompt": text}),
            "temperature": s.temperature,
            "top_p": s.top_p,
            "max_tokens": s.max_tokens,
            **self.extra_body,
        }
        if s.stop:
            body["stop"] = list(s.stop)
        if self.send_seed:
            body["seed"] = s.seed
        if request.grammar is not None and self.grammar_field:
            *path, last = self.grammar_field.split(".")
            place = body
            for part in path:
                place[part] = dict(place.get(part, {}))
                place = place[part]
            place[last] = request.grammar
        return body

    def _read(self, request: Request, response: Any) -> Completion | None:
        """Return the completion of a response, or None where it is none."""
        try:
            data = response.json()
            choice = data["choices"][0]
            usage = data.get("usage") or {}
            details = usage.get("prompt_tokens_details") or {}
            message = choice["message"] if "message" in choice else {"content": choice["text"]}
            cached = details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0
            return Completion(
                key=request.key,
                text=message.get("content") or "",
                finish_reason=re.sub(r"\W", "_", str(choice.get("finish_reason") or "stop"), flags=re.ASCII),
                prompt_tokens=int(usage.get("prompt_tokens") or 0),
                cached_tokens=int(cached),
                completion_tokens=int(usage.get("completion_tokens") or 0),
            )
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return None

    def _refused(self, request: Request, response: Any) -> Completion:
        """Return the completion of a request that the server refuses for what it says, or stop for all of them."""
        status = response.status_code
        if status in (400, 413, 422) and OVERFLOW.search(response.text):
            return Completion(request.key, "", "overflow", prompt_tokens=self._overflowing(response))
        if status == 400 and "content_filter" in response.text:
            return Completion(request.key, "", "content_filter")
        raise _Unanswered(self._stop(response))

    def _stop(self, response: Any) -> str:
        """Return what to do about a response that no retry can help."""
        variable = self.spec.serving.get("api_key_env")
        fix = {
            401: f"check the key in the environment variable {variable}" if variable else "set serving.api_key_env",
            403: "the key may not use this model; check its rights",
            404: f"check serving.base_url and that the server has the model {self.model!r}",
        }.get(response.status_code, "check serving")
        return f"{self.base_url}: status {response.status_code}: {self._message(response)}; {fix}"

    def _overflowing(self, response: Any) -> int:
        """Return a lower bound of the tokens of a prompt that does not fit."""
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            return int(response.json()["error"]["n_prompt_tokens"])
        return self.spec.context

    def _message(self, response: Any) -> str:
        """Return the first 300 characters of the server's message, without the key should it hold it."""
        text = response.text
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            text = str(response.json()["error"]["message"])
        key = os.environ.get(self.spec.serving.get("api_key_env") or "", "").strip()
        if key:
            text = text.replace(key, "…")
        return " ".join(text.split())[:300]


def _retry_after(header: str) -> float:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3), 0 where it says nothing."""
    if re.fullmatch(r"\d+(\.\d+)?", header.strip()):
        return float(header)
    try:
        when = email.utils.parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, when.timestamp() - time.time())
