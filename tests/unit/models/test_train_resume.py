"""The real LLaMA-Factory, killed in the middle as by a preemption, and started again: it goes on where it was."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from waiting import IN_VAIN, wait_until

ROOT = Path(__file__).parents[3]
STEPS = 6

TRAIN = """
import json, logging, sys
sys.path.insert(0, {library!r})
from megascience.models.train import train
logging.basicConfig(level=logging.INFO, format="%(message)s")
train(log=logging.getLogger("train"), **json.loads(sys.argv[1]))
"""

#: LLaMA-Factory, which stops after each checkpoint for as long as a file is there.
HELD = """
import sys, time
from pathlib import Path
from transformers import Trainer

save = Trainer._save_checkpoint

def save_and_wait(*arguments, **named):
    save(*arguments, **named)
    while Path({hold!r}).exists():
        time.sleep(0.05)

Trainer._save_checkpoint = save_and_wait
from llamafactory.cli import main
main()
"""


@pytest.mark.model
@pytest.mark.skipif(not (ROOT / ".venv/train").is_dir(), reason="needs `make set-up`: the training environment")
def test_a_killed_training_goes_on_where_it_was(models, tmp_path):
    rows = [{"question": f"What is {i} + 2?", "answer": f"{i} + 2 = {i + 2}."} for i in range(24)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    pq.write_table(pa.table({**columns, "id": [f"{n:016x}" for n in range(len(rows))]}), tmp_path / "train.parquet")
    hold = tmp_path / "hold"
    hold.write_text("")
    (tmp_path / "held.py").write_text(HELD.format(hold=str(hold)))
    (tmp_path / "train.py").write_text(TRAIN.format(library=str(ROOT / "workflow/scripts")))
    preset = yaml.safe_load((ROOT / "config/demo.yaml").read_text())["train"]["demo"]
    short = {"max_steps": STEPS, "save_steps": 2, "cutoff_len": 128, "global_batch": 2}
    arguments = {
        "base": str(models / "student"),
        "dataset": str(tmp_path / "train.parquet"),
        "output": str(tmp_path / "tuned"),
        "settings": {**preset, **short},
        "command": [str(ROOT / ".venv/train/bin/python"), str(tmp_path / "held.py"), "train"],
        "devices": 0,
        "per_device_batch": 1,
    }
    command = [sys.executable, str(tmp_path / "train.py"), json.dumps(arguments)]

    def start():
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )

    first = start()
    run = tmp_path / "tuned/.work/run"
    saved = lambda: list(run.glob("checkpoint-*/trainer_state.json"))  # noqa: E731
    wait_until(saved, "no checkpoint was made", lambda: first.poll() is None)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    hold.unlink()

    second = start()
    output = second.communicate(timeout=IN_VAIN)[0]
    assert second.returncode == 0, output
    assert "going on from checkpoint-" in output
    log = [json.loads(line) for line in (tmp_path / "tuned/trainer_log.jsonl").read_text().splitlines()]
    assert [row["current_steps"] for row in log] == list(range(1, STEPS + 1))
    assert (tmp_path / "tuned/model.json").exists() and not (tmp_path / "tuned/.work").exists()
