import json
import threading
from types import SimpleNamespace

import pytest
import yaml
from megascience.inference.engines import canned
from megascience.inference.engines.base import Completion, ModelSpec, Request, Sampling
from megascience.inference.engines.registry import make_engine
from megascience.storage.errors import EngineError
from waiting import IN_VAIN, wait_until


def request(key: str, content: str, seed: int = 0) -> Request:
    messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": content})
    return Request(key, messages, Sampling(seed=seed))


def ask(tmp_path, rules, requests, **serving) -> list[Completion]:
    path = tmp_path / "answers.yaml"
    path.write_text(yaml.safe_dump(rules))
    engine = make_engine(ModelSpec("m", "r", "canned", path=str(path), serving=serving))
    engine.start()
    left = iter(requests)
    try:
        return list(engine.run(lambda: next(left, None)))
    finally:
        engine.close()
        engine.close()


def test_the_first_rule_that_matches_answers(tmp_path):
    rules = [
        {"key": "k1", "text": "by key"},
        {"contains": "apple", "pattern": "^red", "text": "both"},
        {"contains": "apple", "text": "a piece"},
        {"pattern": r"\d{3}", "text": "a pattern", "finish_reason": "length"},
        {"text": ["zero", "one"]},
    ]
    requests = [
        request("k1", "apple"),
        request("k2", "red apple"),
        request("k3", "green apple"),
        request("k4", "number 123"),
        request("k5", "else"),
        request("k6", "else", seed=3),
    ]
    done = ask(tmp_path, rules, requests)
    assert [c.key for c in done] == [f"k{i}" for i in range(1, 7)]
    assert [c.text for c in done] == ["by key", "both", "a piece", "a pattern", "zero", "one"]
    assert [c.finish_reason for c in done] == ["stop", "stop", "stop", "length", "stop", "stop"]
    assert (done[1].prompt_tokens, done[1].completion_tokens) == (4, 1)


def test_jsonl_and_the_log_of_what_was_asked(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text('{"contains": "a", "text": "x"}\n\n{"text": "y"}\n')
    log = tmp_path / "log.jsonl"
    engine = make_engine(ModelSpec("m", "r", "canned", serving={"answers": str(path), "log": str(log)}))
    engine.start()
    left = iter([request("k1", "a"), request("k2", "b", seed=5)])
    assert [c.text for c in engine.run(lambda: next(left, None))] == ["x", "y"]
    assert [json.loads(line) for line in log.read_text().splitlines()] == [
        {"key": "k1", "seed": 0},
        {"key": "k2", "seed": 5},
    ]


def test_delays_pass_side_by_side_and_the_quick_come_first(tmp_path, monkeypatch):
    rules = [{"contains": "slow", "text": "s", "delay": 0.2}, {"text": "q", "delay": 0.02}]
    requests = [request("slow", "slow"), *[request(f"k{i}", "quick") for i in range(6)]]
    now = [0.0]
    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: now.append(now.pop() + seconds))
    monkeypatch.setattr(canned, "time", clock)
    done = ask(tmp_path, rules, requests, concurrency=3)
    assert [c.key for c in done][-1] == "slow"
    assert now == [pytest.approx(0.2)]


def test_answers_are_held_back_while_a_file_says_so(tmp_path):
    log, hold = tmp_path / "log.jsonl", tmp_path / "hold"
    hold.write_text("2\n")
    given = []

    def work():
        serving = {"concurrency": 3, "log": str(log), "hold": str(hold)}
        given.extend(ask(tmp_path, [{"text": "a"}], [request(f"k{i}", "x") for i in range(9)], **serving))

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: log.exists() and log.read_text().count("\n") == 5, "two are answered and three in flight")
    assert given == [] and thread.is_alive()
    hold.unlink()
    thread.join(IN_VAIN)
    assert [completion.key for completion in given] == [f"k{i}" for i in range(9)]


def test_faults(tmp_path):
    with pytest.raises(EngineError, match="the machine burns"):
        ask(tmp_path, [{"error": "the machine burns"}], [request("k", "x")])
    with pytest.raises(EngineError, match="no rule answers request k; add a rule without conditions"):
        ask(tmp_path, [{"contains": "y", "text": "t"}], [request("k", "x")])
    with pytest.raises(EngineError, match="rule 2: needs text or error"):
        ask(tmp_path, [{"text": "t"}, {"txt": "t"}], [])
    with pytest.raises(EngineError, match="none.yaml: no canned answers"):
        make_engine(ModelSpec("m", "r", "canned", path=str(tmp_path / "none.yaml"))).start()
