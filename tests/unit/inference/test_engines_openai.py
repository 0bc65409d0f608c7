import asyncio
import contextlib
import itertools
import json
import logging
import threading
import time
from collections import Counter
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from megascience.inference.engines import openai
from megascience.inference.engines.base import Completion, ModelSpec, Request, Sampling
from megascience.inference.engines.registry import make_engine
from megascience.storage.errors import EngineError
from waiting import IN_VAIN, wait_until

KEY = "sk-very-secret-0123456789"
OK = {"choices": [{"message": {"content": "fine"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 5}}


class Stub:
    """A chat server on loopback; `answer(body, nth)` gives (status, JSON or bytes, headers) or None to hang up."""

    def __init__(self) -> None:
        self.answer = lambda body, nth: (200, OK, {})
        self.models = 200
        self.bodies: list[dict] = []
        self.headers: list[dict] = []
        self.asked: Counter = Counter()
        self.flying = self.most = 0
        self.lock = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self._send(stub.models, {"data": []}, {})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with stub.lock:
                    stub.bodies.append(body)
                    stub.headers.append({name.lower(): text for name, text in self.headers.items()})
                    content = body["messages"][-1]["content"]
                    stub.asked[content] += 1
                    nth = stub.asked[content]
                    stub.flying += 1
                    stub.most = max(stub.most, stub.flying)
                try:
                    reply = stub.answer(body, nth)
                finally:
                    with stub.lock:
                        stub.flying -= 1
                if reply is None:
                    self.close_connection = True
                    self.connection.close()
                    return
                self._send(*reply)

            def _send(self, status, value, headers):
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                for name, text in headers.items():
                    self.send_header(name, text)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_):
                pass  # a client that has given up is what some tests are about

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def stub():
    stub = Stub()
    yield stub
    stub.close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(openai, "FIRST_PAUSE", 0.01)


def request(i: int, **changes) -> Request:
    return Request(
        **{"key": f"k{i}", "messages": ({"role": "user", "content": f"q{i}"},), "sampling": Sampling(), **changes}
    )


def ask(stub, requests, collect=None, **serving) -> list[Completion]:
    serving = {"base_url": stub.url, "concurrency": 4, "deadline": IN_VAIN, **serving}
    engine = make_engine(ModelSpec("org/model", "rev", "openai", context=4096, serving=serving))
    done = [] if collect is None else collect
    try:
        engine.start()
        left = iter(requests)
        for completion in engine.run(lambda: next(left, None)):
            done.append(completion)
    finally:
        engine.close()
        engine.close()
    return done


def test_a_request_carries_its_messages_and_sampling_and_the_answer_its_counts(stub):
    stub.answer = lambda body, nth: (
        200,
        {
            "choices": [{"message": {"content": "an ünswer"}, "finish_reason": "length"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}},
        },
        {},
    )
    sampling = Sampling(temperature=0.25, top_p=0.5, max_tokens=9, seed=11)
    assert ask(stub, [request(1, sampling=sampling)], extra_body={"top_k": 0}) == [
        Completion("k1", "an ünswer", "length", prompt_tokens=7, cached_tokens=4, completion_tokens=3)
    ]
    assert stub.bodies == [
        {
            "model": "org/model",
            "messages": [{"role": "user", "content": "q1"}],
            "temperature": 0.25,
            "top_p": 0.5,
            "max_tokens": 9,
            "seed": 11,
            "top_k": 0,
        }
    ]


def test_deepseek_counts_its_cache_hits_by_a_name_of_its_own(stub):
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_cache_hit_tokens": 6}
    stub.answer = lambda body, nth: (200, {**OK, "usage": usage}, {})
    assert ask(stub, [request(1)])[0].cached_tokens == 6


def test_a_missing_content_is_an_empty_answer_and_an_odd_reason_is_made_a_word(stub):
    stub.answer = lambda body, nth: (200, {"choices": [{"message": {"content": None}, "finish_reason": "a-b"}]}, {})
    assert ask(stub, [request(1)]) == [Completion("k1", "", "a_b")]


@pytest.mark.parametrize(
    ("field", "place"),
    [
        (None, {}),
        ("grammar", {"grammar": "root ::= x"}),
        ("structured_outputs.grammar", {"structured_outputs": {"backend": "b", "grammar": "root ::= x"}}),
    ],
)
def test_a_grammar_goes_where_the_server_takes_it(stub, field, place):
    extra = {"structured_outputs": {"backend": "b"}} if field and "." in field else {}
    ask(stub, [request(1, grammar="root ::= x"), request(2)], grammar_field=field, extra_body=extra, concurrency=1)
    first, second = stub.bodies
    assert {name: first[name] for name in place} == place
    assert "grammar" not in json.dumps(second)
    assert field or "grammar" not in json.dumps(first)


def test_a_server_that_takes_no_seed_gets_none(stub):
    ask(stub, [request(1)], seed=False, model="short-name")
    assert "seed" not in stub.bodies[0]
    assert stub.bodies[0]["model"] == "short-name"


def test_as_many_requests_fly_as_allowed_and_they_come_back_as_they_finish(stub):
    done = []

    def answer(body, nth):
        wait_until(lambda: stub.most == 5, "five requests did not fly")
        if body["messages"][0]["content"] == "q0":
            wait_until(lambda: len(done) == 29, "the others wait for the slow one")
        return 200, OK, {}

    stub.answer = answer
    ask(stub, [request(i) for i in range(30)], done, concurrency=5)
    assert stub.most == 5
    assert {c.key for c in done[:-1]} == {f"k{i}" for i in range(1, 30)} and done[-1].key == "k0"


def test_the_caller_is_asked_in_its_own_thread_and_again_after_each_answer(stub):
    engine = make_engine(ModelSpec("m", "r", "openai", serving={"base_url": stub.url, "concurrency": 2}))
    engine.start()
    todo = [request(0)]
    threads = set()

    def next_request():
        threads.add(threading.get_ident())
        return todo.pop() if todo else None

    seen = []
    for completion in engine.run(next_request):
        seen.append(completion.key)
        if len(seen) < 4:
            todo.append(request(len(seen)))  # a retry, lined up by the caller
    engine.close()
    assert seen == ["k0", "k1", "k2", "k3"]
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize(
    "trouble",
    [
        (429, {"error": {"message": "slow down"}}, {}),
        (500, b"<html>oops", {}),
        (503, b"", {}),
        (408, b"", {}),
        (200, b"not json", {}),
        (200, {"error": "overloaded"}, {}),
        None,
    ],
)
def test_passing_trouble_is_sat_out(stub, trouble):
    stub.answer = lambda body, nth: trouble if nth < 3 else (200, OK, {})
    assert [c.text for c in ask(stub, [request(i) for i in range(3)])] == ["fine"] * 3
    assert set(stub.asked.values()) == {3}


class Clock:
    """Seconds that pass in pauses only."""

    def __init__(self, monkeypatch) -> None:
        self.now = 1_000_000.0
        self.pauses = []
        self._sleep = asyncio.sleep
        monkeypatch.setattr(openai, "time", SimpleNamespace(monotonic=self, time=self, sleep=time.sleep))
        monkeypatch.setattr(openai.asyncio, "sleep", self.sleep)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds
        await self._sleep(0)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def test_retry_after_is_honoured(stub, clock):
    stub.answer = lambda body, nth: (429, {}, {"Retry-After": "7"}) if nth == 1 else (200, OK, {})
    ask(stub, [request(1)])
    assert clock.pauses == [7.0]


def test_retry_after_as_a_date_or_nonsense(clock):
    assert openai._retry_after("7") == 7
    assert openai._retry_after(formatdate(clock() + 5, usegmt=True)) == 5
    assert openai._retry_after(formatdate(clock() - 50, usegmt=True)) == 0
    assert [openai._retry_after(text) for text in ("", "soon", "-3", "1e9 seconds")] == [0, 0, 0, 0]


def test_pauses_grow(stub, clock, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    monkeypatch.setattr(openai, "LONGEST_PAUSE", 0.05)
    stub.answer = lambda body, nth: (500, {}, {}) if nth < 6 else (200, OK, {})
    ask(stub, [request(1)])
    assert clock.pauses == pytest.approx([0.01, 0.02, 0.04, 0.05, 0.05])


def test_a_request_past_its_deadline_stops_the_job_after_the_others_are_home(stub, monkeypatch):
    done, deadlines, over = [], [], threading.Event()
    real = asyncio.timeout

    def timeout(seconds):
        """A deadline that is never reached unless it is set off."""
        assert 0 < seconds <= 77
        deadlines.append((asyncio.get_running_loop(), real(None)))
        return deadlines[-1][1]

    def answer(body, nth):
        if body["messages"][0]["content"] == "q0":
            wait_until(lambda: len(done) >= 9, "the other slots do not go on meanwhile")
            loop, first = deadlines[0]
            loop.call_soon_threadsafe(first.reschedule, loop.time())
            over.wait()
        return 200, OK, {}

    monkeypatch.setattr(openai.asyncio, "timeout", timeout)
    stub.answer = answer
    try:
        with pytest.raises(EngineError, match=r"request k0 was not answered within 77 s .*raise serving.deadline"):
            ask(stub, (request(i) for i in itertools.count()), done, deadline=77)
    finally:
        over.set()
    assert len(done) >= 9
    assert sum(stub.asked.values()) - 1 == len(done), "what was sent was also taken home"


def test_trouble_without_end_ends_at_the_deadline(stub, clock):
    stub.answer = lambda body, nth: (500, {"error": {"message": "out of memory"}}, {})
    began = clock()
    with pytest.raises(EngineError, match=r"within 100 s \(last trouble: status 500: out of memory\)"):
        ask(stub, [request(1)], deadline=100)
    assert clock() == pytest.approx(began + 100)


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        (401, "check the key in the environment variable STUB_KEY"),
        (403, "the key may not use this model"),
        (404, "check serving.base_url and that the server has the model 'org/model'"),
        (400, "check serving"),
    ],
)
def test_a_refusal_stops_at_once_and_never_tells_the_key(stub, monkeypatch, caplog, status, fix):
    monkeypatch.setenv("STUB_KEY", KEY)
    stub.answer = lambda body, nth: (status, {"error": {"message": f"bad key {KEY}"}}, {})
    with caplog.at_level(logging.DEBUG), pytest.raises(EngineError, match=fix) as error:
        ask(stub, (request(i) for i in range(1000)), api_key_env="STUB_KEY")
    assert sum(stub.asked.values()) <= 4
    assert f"status {status}: bad key …" in str(error.value)
    assert stub.headers[0]["authorization"] == f"Bearer {KEY}"
    told = [str(error.value), repr(error.value), caplog.text, repr(error.value.__cause__), json.dumps(stub.bodies)]
    assert not any(KEY in text for text in told)


def test_a_key_that_the_server_does_not_know_stops_before_anything_is_asked(stub, monkeypatch):
    monkeypatch.setenv("STUB_KEY", KEY)
    stub.models = 401
    with pytest.raises(EngineError, match="status 401.*environment variable STUB_KEY"):
        ask(stub, [request(1)], api_key_env="STUB_KEY")
    assert not stub.asked


def test_a_server_without_a_list_of_models_is_fine(stub):
    stub.models = 404
    assert len(ask(stub, [request(1)])) == 1


def test_settings_are_checked_before_the_start(stub, monkeypatch):
    monkeypatch.delenv("STUB_KEY", raising=False)
    with pytest.raises(EngineError, match="environment variable STUB_KEY .* is empty"):
        ask(stub, [request(1)], api_key_env="STUB_KEY")
    with pytest.raises(EngineError, match="serving.base_url is ''"):
        ask(stub, [request(1)], base_url="")
    with pytest.raises(EngineError, match="no engine 'vlm'; known: canned"):
        make_engine(ModelSpec("m", "r", "vlm"))


def test_no_server_is_told_after_a_while(stub):
    stub.close()
    with pytest.raises(EngineError, match="no server answers .*; start it"):
        ask(stub, [request(1)], start_deadline=0.2)


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        ({"code": "context_length_exceeded", "message": "too long"}, 4096),
        ({"message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"}, 4096),
        (
            {
                "type": "exceed_context_size_error",
                "message": "the request exceeds the available context size",
                "n_prompt_tokens": 5123,
            },
            5123,
        ),
        ({"message": "The decoder prompt (length 5000) is longer than the maximum model length of 4096."}, 4096),
        ({"message": "`inputs` must have less than 1024 tokens. Given: 5000"}, 4096),
        ({"message": "The input (5000 tokens) is longer than the model's context length (4096 tokens)."}, 4096),
    ],
)
def test_a_prompt_that_does_not_fit_is_an_overflow_and_no_error(stub, message, tokens):
    stub.answer = lambda body, nth: (400, {"error": message}, {}) if "q1" in str(body) else (200, OK, {})
    done = ask(stub, [request(1), request(2)])
    assert sorted(done, key=lambda c: c.key) == [
        Completion("k1", "", "overflow", prompt_tokens=tokens),
        Completion("k2", "fine", "stop", prompt_tokens=5),
    ]


def test_a_prompt_that_a_filter_refuses_is_one_row_lost_and_not_the_shard(stub):
    stub.answer = lambda body, nth: (400, {"error": {"code": "content_filter", "message": "no"}}, {})
    assert ask(stub, [request(1)]) == [Completion("k1", "", "content_filter")]


def test_a_job_that_is_left_in_the_middle_leaves_no_thread(stub):
    over = threading.Event()
    stub.answer = lambda body, nth: (over.wait(), (200, OK, {}))[1]
    engine = make_engine(ModelSpec("m", "r", "openai", serving={"base_url": stub.url, "concurrency": 2}))
    engine.start()
    runner = engine.run(lambda: request(1))

    def wait_for_an_answer():
        with contextlib.suppress(asyncio.CancelledError):
            next(runner)

    thread = threading.Thread(target=wait_for_an_answer, daemon=True)
    thread.start()
    wait_until(lambda: stub.asked, "nothing was asked")
    try:
        engine.close()  # while the server still thinks
        thread.join(IN_VAIN)
        assert not thread.is_alive()
        assert "openai-engine" not in {t.name for t in threading.enumerate()}
    finally:
        over.set()
