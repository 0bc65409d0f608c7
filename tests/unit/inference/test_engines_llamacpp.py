import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path

import pytest
from megascience.inference.engines import llamacpp
from megascience.inference.engines.base import Completion, ModelSpec, Request, Sampling
from megascience.inference.engines.llamacpp_shared import RUN, announce_run
from megascience.inference.engines.registry import make_engine
from megascience.storage.errors import EngineError
from waiting import IN_VAIN, wait_until


def request(group: str, i: int = 0) -> Request:
    return Request(f"{group}{i}", ({"role": "user", "content": "x"},), Sampling(), None, group)


class Slots:
    """The engine's choice of requests and slots, without a server."""

    def __init__(self, requests, parallel=2) -> None:
        self.engine = make_engine(ModelSpec("m", "r", "llamacpp", serving={"parallel": parallel}))
        self.todo = deque(requests)

    def take(self) -> tuple[str, int] | None:
        taken = self.engine._take(lambda: self.todo.popleft() if self.todo else None)
        return None if taken is None else (taken.key, self.engine._slot(taken)["id_slot"])

    def finish(self, key: str) -> None:
        self.engine._finished(Completion(key, ""))


def test_groups_run_side_by_side_and_each_stays_in_its_slot():
    slots = Slots([request(group, i) for group in "abc" for i in range(3)])
    order = [slots.take(), slots.take()]
    assert order == [("a0", 0), ("b0", 1)]
    for _ in range(7):
        key, slot = order[-2]
        slots.finish(key)
        order.append(slots.take())
        assert order[-1][1] == slot
    served = {slot: [key for key, s in order if s == slot] for slot in (0, 1)}
    assert served[0][:3] == ["a0", "a1", "a2"] and served[1][:3] == ["b0", "b1", "b2"]
    assert sorted(key for key, _ in order) == sorted(f"{group}{i}" for group in "abc" for i in range(3))


def test_no_slot_idles_when_one_group_is_left():
    slots = Slots([request("a", i) for i in range(4)])
    assert [slots.take(), slots.take()] == [("a0", 0), ("a1", 1)]
    slots.finish("a1")
    assert slots.take() == ("a2", 1)


def test_a_retry_that_is_lined_up_late_is_taken():
    slots = Slots([request("a")])
    assert slots.take() == ("a0", 0)
    assert slots.take() is None
    slots.finish("a0")
    slots.todo.append(request("a", 1))
    assert slots.take() == ("a1", 0)


def test_only_so_much_is_looked_ahead():
    slots = Slots([request("a", i) for i in range(1000)])
    slots.take()
    assert len(slots.todo) == 1000 - llamacpp.LOOKAHEAD * 2


def test_a_file_that_is_not_there_or_no_model_is_named(tmp_path):
    engine = make_engine(ModelSpec("m", "r", "llamacpp", path=str(tmp_path / "x.gguf")))
    with pytest.raises(EngineError, match=r"x\.gguf: there is no such GGUF file"):
        engine.start()
    engine.close()


def test_a_server_that_does_not_come_up_is_told_with_its_cause(tmp_path):
    pytest.importorskip("xllamacpp")
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    engine = make_engine(ModelSpec("m", "r", "llamacpp", path=str(path), serving={"threads": 1}))
    with pytest.raises(EngineError, match=r"x\.gguf: the llama.cpp server ended with status 1 \(.*\); is it a whole"):
        engine.start()
    engine.close()
    engine.close()


@pytest.fixture(scope="module")
def teacher(models):
    folder = models / "teacher"
    return str(folder / json.loads((folder / "model.json").read_text())["path"])


def spec(path: str, **serving) -> ModelSpec:
    return ModelSpec("m", "r", "llamacpp", path=path, context=1024, serving={"threads": 2, "parallel": 2, **serving})


DOCUMENT = "The work done by a constant force is the force times the distance moved along it: W = F d. " * 8
GRAMMAR = 'root ::= "<decision>" ("YES" | "NO") "</decision>"\n'


@pytest.mark.model
def test_a_real_model_answers_in_its_form_and_from_its_cache(teacher, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # loopback must not go through a proxy
    requests = [
        Request(
            f"{d}{i}",
            ({"role": "user", "content": f"Document {d}. {DOCUMENT}\nIs {i} + 1 even? Decide."},),
            Sampling(max_tokens=20),
            GRAMMAR,
            str(d),
        )
        for d in range(2)
        for i in range(3)
    ]
    too_long = Request("long", ({"role": "user", "content": DOCUMENT * 30},), Sampling(max_tokens=5))
    cut = Request("cut", ({"role": "user", "content": "Count from 1 to 100."},), Sampling(max_tokens=5))
    engine = make_engine(spec(teacher))
    left = iter([*requests, too_long, cut])
    try:
        engine.start()
        done = {c.key: c for c in engine.run(lambda: next(left, None))}
        server = engine._server
    finally:
        engine.close()
    assert server.poll() is not None, "the server ends with the engine"
    assert set(done) == {r.key for r in [*requests, too_long, cut]}
    for r in requests:
        assert done[r.key].text in ("<decision>YES</decision>", "<decision>NO</decision>")
        assert done[r.key].finish_reason == "stop"
        assert done[r.key].completion_tokens > 0
    # The second and third request about a document find it in their slot.
    assert sum(done[f"{d}{i}"].cached_tokens > 150 for d in range(2) for i in (1, 2)) == 4
    assert (done["long"].finish_reason, done["long"].text) == ("overflow", "")
    assert done["long"].prompt_tokens > 1024
    assert (done["cut"].finish_reason, done["cut"].completion_tokens) == ("length", 5)


@pytest.mark.model
def test_the_server_dies_with_a_parent_that_is_killed(teacher):
    script = (
        "import sys, time; from megascience.inference.engines.registry import make_engine\n"
        "from megascience.inference.engines.base import ModelSpec\n"
        "engine = make_engine(ModelSpec('m', 'r', 'llamacpp', path=sys.argv[1], context=256,"
        " serving={'threads': 1, 'parallel': 1}))\n"
        "engine.start(); print(engine._server.pid, flush=True); time.sleep(900)\n"
    )
    library = str(Path(llamacpp.__file__).parents[3])
    parent = subprocess.Popen(
        [sys.executable, "-c", script, teacher],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": library},
    )
    server = int(parent.stdout.readline())
    os.kill(server, 0)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until(lambda: not _alive(server), "the server did not end with its parent")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.model
def test_a_server_that_dies_is_told_at_once(teacher):
    engine = make_engine(spec(teacher, deadline=IN_VAIN))
    engine.start()
    try:
        engine._server.kill()
        engine._server.wait()
        with pytest.raises(EngineError, match="the llama.cpp server died"):
            next(iter(engine.run(lambda: request("a"))))
    finally:
        engine.close()


@pytest.mark.model
def test_a_shared_server_answers_as_one_of_its_own_does(teacher, tmp_path, monkeypatch):
    """Greedy answers, one slot: with several at work llama.cpp itself rounds by what happens to share a batch."""
    monkeypatch.setenv(RUN, "")
    announce_run(tmp_path / "servers")
    requests = [
        Request(f"k{i}", ({"role": "user", "content": f"{DOCUMENT}\nQuestion {i}: what is {i} + {i}?"},), Sampling())
        for i in range(4)
    ]
    requests = [dataclasses.replace(r, sampling=Sampling(max_tokens=24), group="d") for r in requests]

    def ask(**serving):
        engine = make_engine(spec(teacher, parallel=1, **serving))
        left = iter(requests)
        try:
            engine.start()
            return {c.key: (c.text, c.finish_reason) for c in engine.run(lambda: next(left, None))}, engine
        finally:
            engine.close()

    own, _ = ask()
    (first, one), (second, two) = ask(share=True), ask(share=True)
    assert one._address == two._address and one._address.alive()
    assert own == first == second and len(own) == 4
    os.kill(one._address.pid, signal.SIGTERM)
    wait_until(lambda: not one._address.alive(), "the server does not end")
