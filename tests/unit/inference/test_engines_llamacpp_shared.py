"""Jobs of one run share a llama.cpp server: here one that only says its number, in place of xllamacpp."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from megascience.inference.engines import llamacpp, llamacpp_shared
from megascience.inference.engines.base import ModelSpec, Request, Sampling
from megascience.inference.engines.llamacpp import LlamaCppEngine
from megascience.inference.engines.llamacpp_server import started
from megascience.inference.engines.llamacpp_shared import RUN, Address, announce_run
from megascience.storage.errors import EngineError
from waiting import IN_VAIN, wait_until

FAKE = """
import json, os, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

def CommonParams():
    parts = ("model", "cpuparams", "cpuparams_batch")
    return SimpleNamespace(api_keys=[], **{part: SimpleNamespace() for part in parts})

class Server:
    def __init__(self, params):
        if open(params.model.path).read() == "bad":
            raise SystemExit("error: no model")

        class Handler(BaseHTTPRequestHandler):
            def reply(self, status, value):
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                self.reply(200, {"data": []})

            def do_POST(self):
                self.rfile.read(int(self.headers["content-length"]))
                if params.api_keys and self.headers["authorization"] != f"Bearer {params.api_keys[0]}":
                    return self.reply(401, {"error": {"message": "no key"}})
                self.reply(200, {"choices": [{"message": {"content": str(os.getpid())}, "finish_reason": "stop"}]})

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.listening_address = f"http://127.0.0.1:{server.server_address[1]}"
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run that lasts until the test ends it, and the model that its jobs ask."""
    folder, fake = tmp_path / "servers", tmp_path / "fake"
    folder.mkdir()
    fake.mkdir()
    (fake / "xllamacpp.py").write_text(FAKE)
    (tmp_path / "model.gguf").write_text("good")
    monkeypatch.setenv("PYTHONPATH", str(fake))
    process = subprocess.Popen(["sleep", "900"])
    told = {"folder": str(folder), "pid": process.pid, "started": started(process.pid)}
    monkeypatch.setenv(RUN, json.dumps(told))
    yield process
    process.kill()
    process.wait()
    wait_until(lambda: not any(address(card).alive() for card in folder.glob("*.json")), "servers outlive the run")


def address(card):
    try:
        return Address(**json.loads(card.read_text()))
    except FileNotFoundError:
        return Address("", "", 0, "none")


def engine(tmp_path, **serving):
    serving = {"threads": 1, "share": True, "deadline": IN_VAIN, **serving}
    return LlamaCppEngine(ModelSpec("m", "r", "llamacpp", str(tmp_path / "model.gguf"), 64, serving))


def answers(engine, number=1):
    """Return the processes that answer some requests."""
    requests = (Request(f"k{i}", ({"role": "user", "content": "x"},), Sampling()) for i in range(number))
    return {int(completion.text) for completion in engine.run(lambda: next(requests, None))}


def ask(tmp_path, **serving):
    """Return the process that answers a job."""
    job = engine(tmp_path, **serving)
    try:
        job.start()
        (server,) = answers(job)
        return server
    finally:
        job.close()


def test_jobs_share_a_server_and_it_ends_with_the_run(run, tmp_path):
    first = ask(tmp_path)
    assert [ask(tmp_path) for _ in range(3)] == [first] * 3
    run.kill()
    run.wait()
    wait_until(lambda: not started(first), "the server outlives the run")


def test_a_job_that_asks_keeps_the_server_of_a_run_that_was_killed(run, tmp_path):
    job = engine(tmp_path)
    job.start()
    run.kill()
    run.wait()
    (server,) = answers(job, 20)
    job.close()
    wait_until(lambda: not started(server), "the server outlives run and job")


def test_one_job_asks_at_a_time(run, tmp_path):
    first, later = engine(tmp_path), []
    first.start()
    other = threading.Thread(target=lambda: later.append(ask(tmp_path)))
    other.start()
    (server,) = answers(first, 20)
    assert later == []
    first.close()
    other.join(IN_VAIN)
    assert later == [server]


def test_other_settings_and_another_file_are_another_server(run, tmp_path):
    servers = {ask(tmp_path), ask(tmp_path, parallel=2)}
    (tmp_path / "model.gguf").write_text("another")
    assert len({*servers, ask(tmp_path)}) == 3


def test_a_server_that_died_is_told_and_replaced(run, tmp_path):
    job = engine(tmp_path)
    job.start()
    (server,) = answers(job)
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: not started(server), "it is not dead")
    with pytest.raises(EngineError, match="the llama.cpp server died; run again"):
        answers(job)
    job.close()
    assert ask(tmp_path) != server


def test_a_server_that_hangs_is_ended_for_the_next_job_to_start_another(run, tmp_path, monkeypatch):
    server = ask(tmp_path)

    def fail(*_):
        raise EngineError("no server answers")

    with monkeypatch.context() as patch:
        patch.setattr(llamacpp.OpenAIEngine, "_probe", fail)
        with pytest.raises(EngineError, match="no server answers"):
            ask(tmp_path)
    wait_until(lambda: not started(server), "it goes on")
    assert ask(tmp_path) != server


def test_a_job_that_is_killed_gives_its_turn_back(run, tmp_path):
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from test_engines_llamacpp_shared import answers, engine\n"
        "job = engine(Path(sys.argv[1])); job.start(); print(*answers(job), flush=True); time.sleep(900)\n"
    )
    library = str(Path(llamacpp.__file__).parents[3])
    path = [os.environ["PYTHONPATH"], library, str(Path(__file__).parent), str(Path(__file__).parents[1])]
    job = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
    )
    server = int(job.stdout.readline())
    job.kill()
    job.wait()
    assert ask(tmp_path) == server


def test_who_does_not_know_the_key_gets_no_answer(run, tmp_path):
    job = engine(tmp_path)
    job.start()
    del job._client.headers["Authorization"]
    with pytest.raises(EngineError, match="status 401"):
        answers(job)
    job.close()
    (card,) = (tmp_path / "servers").glob("*.json")
    assert card.stat().st_mode & 0o777 == 0o600


def test_a_server_that_does_not_come_up_is_told_with_its_cause(run, tmp_path):
    (tmp_path / "model.gguf").write_text("bad")
    with pytest.raises(EngineError, match=r"ended with status 1 \(error: no model\); is it a whole GGUF file"):
        ask(tmp_path)


def test_an_idle_server_leaves(run, tmp_path, monkeypatch):
    monkeypatch.setattr(llamacpp_shared, "IDLE", 0.0)
    server = ask(tmp_path)
    wait_until(lambda: not started(server), "an idle server stays")
    assert run.poll() is None


def test_without_a_run_or_unless_it_is_asked_for_nothing_is_shared(run, tmp_path, monkeypatch):
    assert not started(ask(tmp_path, share=False))
    monkeypatch.delenv(RUN)
    assert not started(ask(tmp_path))
    assert not list((tmp_path / "servers").iterdir())


def test_a_run_is_announced_with_its_process(tmp_path, monkeypatch):
    monkeypatch.setenv(RUN, "")
    announce_run(tmp_path / "servers")
    told = json.loads(os.environ[RUN])
    assert told["pid"] == os.getpid() and Address("", "", told["pid"], told["started"]).alive()
    assert not Address("", "", told["pid"], "1").alive()
