"""Training: the rendered files, the run as a program, resume, and the checkpoint that is collected."""

import hashlib
import json
import logging
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from megascience.models.llamafactory import ZERO3, accumulation_steps, dataset_info, environment, training_arguments
from megascience.models.train import last_checkpoint, train
from megascience.storage.errors import EngineError, InputError

ROOT = Path(__file__).parents[3]
LOG = logging.getLogger("test_train")
PRESET = {
    "stage": "sft",
    "finetuning_type": "full",
    "template": "qwen",
    "learning_rate": 5.0e-6,
    "lr_scheduler_type": "cosine",
    "warmup_ratio": 0.05,
    "global_batch": 512,
    "cutoff_len": 4096,
    "epochs": 3,
    "bf16": True,
    "deepspeed": "zero3",
}
CPU = {
    **{k: v for k, v in PRESET.items() if k not in ("deepspeed", "bf16", "epochs")},
    "global_batch": 4,
    "max_steps": 6,
}

#: Stands for LLaMA-Factory: reads the YAML, writes what the real one writes, fails where the base says so.
PROGRAM = """
import json, os, pathlib, sys, yaml
arguments = yaml.safe_load(open(sys.argv[1]))
info = json.load(open(os.path.join(arguments["dataset_dir"], "dataset_info.json")))["train"]
import pyarrow.parquet
rows = pyarrow.parquet.read_table(os.path.join(arguments["dataset_dir"], info["file_name"]))
print("variables", os.environ["HF_HUB_OFFLINE"], os.environ.get("NPROC_PER_NODE"), os.environ.get("FORCE_TORCHRUN"))
print("rows", len(rows), "resume", arguments.get("resume_from_checkpoint"))
run = pathlib.Path(arguments["output_dir"])
run.mkdir(parents=True, exist_ok=True)
base = pathlib.Path(arguments["model_name_or_path"])
with open(run / "trainer_log.jsonl", "a") as log:
    for step in range(2 if arguments.get("resume_from_checkpoint") else 1, 4):
        log.write(json.dumps({"current_steps": step, "total_steps": 3, "loss": 1 / step, "lr": 0.1, "epoch": step / 3,
                              "percentage": 1, "elapsed_time": "0:01", "remaining_time": "0:02"}) + "\\n")
        if step == 2 and (base / "fail").exists():
            log.flush()
            for name in ("checkpoint-9", "checkpoint-10", "checkpoint-11"):
                (run / name).mkdir(exist_ok=True)
                if name != "checkpoint-11":  # torn: its state was not written
                    (run / name / "trainer_state.json").write_text("{}")
            print("CUDA out of memory \\x1b[31m", file=sys.stderr)
            sys.exit(3)
    log.write(json.dumps({"current_steps": 3, "total_steps": 3, "epoch": 1.0, "elapsed_time": "0:09"}) + "\\n")
(run / "config.json").write_text("{}")
(run / "tokenizer.json").write_text("{}")
(run / "tokenizer_config.json").write_text("{}")
(run / "model.safetensors").write_bytes((base / "model.safetensors").read_bytes() + b" tuned")
(run / "training_args.bin").write_text(str(os.getpid()))
(run / "README.md").write_text("made by " + str(base))
(run / "training_loss.png").write_bytes(b"png")
(run / "all_results.json").write_text(json.dumps({"train_loss": 0.5, "epoch": 1.0, "train_runtime": os.getpid(),
                                                  "train_samples_per_second": 3.0}))
"""


def write_dataset(path, rows):
    """Write rows as a released dataset has them."""
    columns = ("question", "answer", "subject", "reference_answer", "id")
    rows = [{"id": f"{n:016x}", **row} for n, row in enumerate(rows)]
    pq.write_table(pa.table({name: pa.array([r.get(name) for r in rows], pa.string()) for name in columns}), path)


@pytest.fixture
def world(tmp_path):
    """A base, a dataset and a program; calling it trains with them."""
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    (base / "model.safetensors").write_bytes(b"weights")
    rows = [{"id": str(i), "question": f"What is {i}+1?", "answer": f"It is {i + 1}."} for i in range(5)]
    write_dataset(tmp_path / "train.parquet", rows)
    (tmp_path / "program.py").write_text(PROGRAM)

    def run(**keys):
        arguments = {
            "base": base,
            "dataset": tmp_path / "train.parquet",
            "output": tmp_path / "results/student_textbook",
            "settings": CPU,
            "command": [sys.executable, str(tmp_path / "program.py")],
            "devices": 0,
            "log": LOG,
        }
        return train(**{**arguments, **keys})

    run.base, run.path, run.output = base, tmp_path, tmp_path / "results/student_textbook"
    return run


class TestRendering:
    def arguments(self, settings=PRESET, devices=8, per_device_batch=2):
        return training_arguments(
            settings, base=Path("base"), work=Path("out/.work"), devices=devices, per_device_batch=per_device_batch
        )

    def test_the_papers_preset_on_eight_gpus(self):
        rendered = self.arguments()
        assert rendered == {
            "model_name_or_path": "base",
            "do_train": True,
            "dataset": "train",
            "dataset_dir": "out/.work",
            "output_dir": "out/.work/run",
            "stage": "sft",
            "finetuning_type": "full",
            "template": "qwen",
            "cutoff_len": 4096,
            "per_device_train_batch_size": 2,
            "gradient_accumulation_steps": 32,
            "learning_rate": 5.0e-6,
            "lr_scheduler_type": "cosine",
            "warmup_ratio": 0.05,
            "num_train_epochs": 3,
            "bf16": True,
            "deepspeed": "out/.work/deepspeed.json",
            "logging_steps": 1,
            "plot_loss": True,
            "save_strategy": "steps",
            "save_steps": 100,
            "save_total_limit": 1,
            "report_to": "none",
            "disable_tqdm": True,
            "seed": 42,
        }

    @pytest.mark.parametrize("config", ["config.yaml", "demo.yaml"])
    def test_every_shipped_preset_renders(self, config):
        presets = yaml.safe_load((ROOT / "config" / config).read_text())["train"]
        for preset in presets.values():
            rendered = self.arguments(preset, devices=8 if "deepspeed" in preset else 0, per_device_batch=1)
            devices = 8 if "deepspeed" in preset else 1
            assert rendered["gradient_accumulation_steps"] * devices == preset["global_batch"]

    def test_numbers_survive_yaml(self):
        # 5e-6 without a dot would be read back as text
        assert yaml.safe_load(yaml.safe_dump(self.arguments()))["learning_rate"] == 5.0e-6

    @given(st.integers(1, 64), st.integers(0, 64), st.integers(1, 64))
    def test_a_step_has_the_global_batch_whatever_the_machine(self, per_device, devices, steps):
        batch = per_device * max(devices, 1) * steps
        assert accumulation_steps(batch, per_device, devices) == steps

    @pytest.mark.parametrize(("batch", "per_device", "devices"), [(512, 3, 8), (4, 8, 0), (0, 1, 1), (8, 0, 1)])
    def test_a_batch_that_cannot_be_had_is_refused(self, batch, per_device, devices):
        with pytest.raises(InputError, match="global_batch"):
            accumulation_steps(batch, per_device, devices)

    def test_zero3_is_what_deepspeed_expects(self):
        assert ZERO3["zero_optimization"]["stage"] == 3
        # without it the final checkpoint would be empty shards
        assert ZERO3["zero_optimization"]["stage3_gather_16bit_weights_on_model_save"] is True
        # sizes that the trainer knows must not be said twice
        assert {ZERO3[k] for k in ZERO3 if k.startswith(("train_", "gradient_"))} == {"auto"}

    def test_further_arguments_are_handed_over(self):
        rendered = self.arguments({**PRESET, "extra": {"use_badam": True, "galore_rank": 8}})
        assert (rendered["use_badam"], rendered["galore_rank"], "extra" in rendered) == (True, 8, False)

    def test_deepspeed_without_gpus_is_refused(self):
        with pytest.raises(InputError, match="needs GPUs"):
            self.arguments(devices=0, per_device_batch=1)

    def test_without_gpus_the_cpu_trains(self):
        assert self.arguments(CPU, devices=0, per_device_batch=1)["use_cpu"] is True
        assert "use_cpu" not in self.arguments()

    @pytest.mark.parametrize(
        ("devices", "arguments", "forced", "processes"),
        [(0, {}, None, None), (1, {}, None, "1"), (1, {"deepspeed": "d.json"}, "1", "1"), (8, {}, "1", "8")],
    )
    def test_torchrun_is_forced_where_it_is_needed(self, devices, arguments, forced, processes):
        variables = environment(devices, arguments)
        assert (variables.get("FORCE_TORCHRUN"), variables.get("NPROC_PER_NODE")) == (forced, processes)

    def test_questions_ask_and_answers_respond(self):
        assert dataset_info("train.parquet")["train"]["columns"] == {"prompt": "question", "response": "answer"}


class TestRun:
    def test_the_checkpoint_and_what_tells_of_the_run(self, world):
        manifest = world()
        present = sorted(path.name for path in world.output.iterdir())
        checkpoint = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
        run = ["all_results.json", "dropped.parquet", "model.json", "rows.json", "train.yaml"]
        run += ["trainer_log.jsonl", "training_loss.png"]
        assert present == sorted(checkpoint + run)
        assert json.loads((world.output / "model.json").read_text()) == manifest
        assert (manifest["name"], manifest["format"], manifest["path"]) == ("student_textbook", "huggingface", ".")
        assert sorted(manifest["files"]) == checkpoint
        assert manifest["files"]["model.safetensors"] == hashlib.sha256(b"weights tuned").hexdigest()
        assert (world.output / manifest["tokenizer"]).is_file()

    def test_equal_runs_give_equal_bytes_and_tell_no_time(self, world):
        before = world()
        first = {path.name: path.read_bytes() for path in world.output.iterdir()}
        assert world() == before
        assert {path.name: path.read_bytes() for path in world.output.iterdir()} == first
        rows = [json.loads(line) for line in (world.output / "trainer_log.jsonl").read_text().splitlines()]
        assert [(row["current_steps"], row["loss"]) for row in rows] == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
        assert not {key for row in rows for key in row if "time" in key}
        assert json.loads((world.output / "all_results.json").read_text()) == {"epoch": 1.0, "train_loss": 0.5}

    def test_the_revision_follows_the_weights(self, world):
        before = world()["revision"]
        (world.base / "model.safetensors").write_bytes(b"other")
        assert world()["revision"] != before

    def test_the_programs_lines_reach_the_log(self, world, caplog):
        with caplog.at_level(logging.INFO, logger=LOG.name):
            world()
        assert "rows 5 resume None" in caplog.messages
        assert "variables 1 None None" in caplog.messages

    def test_the_program_sees_its_own_packages_only(self, world, caplog, monkeypatch):
        monkeypatch.setenv("PYTHONPATH", str(world.path / "ours"))
        program = str(world.path / "program.py")
        (world.path / "path.py").write_text(
            f"import os, runpy\nprint('path', os.environ.get('PYTHONPATH'))\n"
            f"print('first', os.environ['PATH'].split(':')[0])\nrunpy.run_path({program!r})\n"
        )
        with caplog.at_level(logging.INFO, logger=LOG.name):
            world(command=[sys.executable, str(world.path / "path.py")])
        assert "path None" in caplog.messages
        assert f"first {Path(sys.executable).parent}" in caplog.messages  # where its torchrun is

    def test_a_failure_ends_with_the_last_lines(self, world):
        (world.base / "fail").touch()
        with pytest.raises(EngineError, match=r"status 3; its last lines:\n(.*\n)*CUDA out of memory"):
            world()
        assert not (world.output / "model.json").exists()

    def test_a_killed_run_goes_on_from_its_last_whole_checkpoint(self, world, caplog):
        (world.base / "fail").touch()
        with pytest.raises(EngineError):
            world()
        (world.base / "fail").unlink()
        with caplog.at_level(logging.INFO, logger=LOG.name):
            world()
        # checkpoint-11 is torn; of the whole ones 10 is newer than 9
        assert any(m.startswith("rows 5 resume") and m.endswith("run/checkpoint-10") for m in caplog.messages)
        rows = [json.loads(line) for line in (world.output / "trainer_log.jsonl").read_text().splitlines()]
        assert [row["current_steps"] for row in rows] == [1, 2, 3]  # step 2 was done twice
        assert not (world.output / ".work").exists()

    @pytest.mark.parametrize("change", ["settings", "dataset", "base"])
    def test_what_changed_is_not_resumed(self, change, world, caplog):
        (world.base / "fail").touch()
        with pytest.raises(EngineError):
            world()
        (world.base / "fail").unlink()
        settings = CPU
        if change == "settings":
            settings = {**CPU, "learning_rate": 1.0e-5}
        elif change == "dataset":
            write_dataset(world.path / "train.parquet", [{"id": "0", "question": "q", "answer": "a"}])
        else:
            (world.base / "model.safetensors").write_bytes(b"other weights")
        with caplog.at_level(logging.INFO, logger=LOG.name):
            world(settings=settings)
        assert any(m.startswith("rows") and m.endswith("resume None") for m in caplog.messages)

    def test_no_checkpoint_is_no_error(self, tmp_path):
        assert last_checkpoint(tmp_path / "nowhere") is None

    def test_files_of_an_earlier_result_do_not_stay(self, world):
        world()
        (world.output / "model-00001-of-00002.safetensors").write_text("of an earlier, larger model")
        world()
        assert not (world.output / "model-00001-of-00002.safetensors").exists()

    def test_a_program_that_is_not_there(self, world):
        with pytest.raises(EngineError, match=r"/no/llamafactory-cli cannot be started.*serving\.train\.command"):
            world(command=["/no/llamafactory-cli", "train"])

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ([], "has no rows"),
            ([{"id": "a", "question": "q"}], "column 'answer' is missing"),
            (
                [{"id": "a", "question": "q", "answer": "a"}, {"id": "b", "question": "q", "answer": None}],
                "row 2: 'answer'",
            ),
            ([{"id": "a", "question": "q", "answer": 1}], "column 'answer' is int64, not text"),
        ],
    )
    def test_a_faulty_dataset_is_named_before_anything_starts(self, rows, message, world):
        names = rows[0] if rows else ("id", "question", "answer")
        table = pa.table({name: [row[name] for row in rows] for name in names})
        pq.write_table(
            table if rows else table.cast(pa.schema([(n, pa.string()) for n in names])), world.path / "train.parquet"
        )
        with pytest.raises(InputError, match=message):
            world(command=["/never/started"])

    def test_a_dataset_that_is_not_there_or_not_whole(self, world):
        (world.path / "train.parquet").write_bytes((world.path / "train.parquet").read_bytes()[:-9])
        with pytest.raises(InputError, match=r"train\.parquet: not a readable Parquet file"):
            world(command=["/never/started"])
        (world.path / "train.parquet").unlink()
        with pytest.raises(InputError, match="there is no such dataset"):
            world(command=["/never/started"])

    def test_a_base_that_is_no_checkpoint(self, world):
        (world.base / "config.json").unlink()
        with pytest.raises(InputError, match=r"no config\.json"):
            world()


#: Runs in either environment: token ids and logits of one text, as a file.
LOGITS = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, target = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
text = tokenizer.apply_chat_template([{"role": "user", "content": "E = hν = 3.9×10⁻¹⁹ J. Why?"}], tokenize=False)
ids = tokenizer(text * 4, return_tensors="pt", add_special_tokens=False).input_ids
with torch.no_grad():
    logits = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(ids).logits[0]
torch.save((ids, logits), target)
"""


@pytest.mark.model
@pytest.mark.skipif(not (ROOT / ".venv/train").is_dir(), reason="needs `make set-up`: the training environment")
def test_both_environments_read_the_student_alike_before_and_after_training(models, tmp_path):
    import subprocess

    import torch

    rows = [
        {"question": f"What is {i} + 2?", "answer": f"{i} + 2 = {i + 2}, so the answer is {i + 2}."} for i in range(24)
    ]
    write_dataset(tmp_path / "train.parquet", rows)
    preset = yaml.safe_load((ROOT / "config/demo.yaml").read_text())["train"]["demo"]
    base = models / "student"
    train(
        base=base,
        dataset=tmp_path / "train.parquet",
        output=tmp_path / "tuned",
        settings={**preset, "max_steps": 3, "learning_rate": 1.0e-4, "cutoff_len": 128, "global_batch": 2},
        command=[str(ROOT / ".venv/train/bin/llamafactory-cli"), "train"],
        devices=0,
        log=LOG,
        per_device_batch=2,
    )
    losses = [json.loads(line)["loss"] for line in (tmp_path / "tuned/trainer_log.jsonl").read_text().splitlines()]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    (tmp_path / "logits.py").write_text(LOGITS)
    logits = {}
    for folder in (base, tmp_path / "tuned"):
        read = []
        for python in (sys.executable, ROOT / ".venv/train/bin/python"):
            target = tmp_path / "logits.pt"
            subprocess.run(
                [str(python), str(tmp_path / "logits.py"), str(folder), str(target)],
                check=True,
                capture_output=True,
                env={**os.environ, "OMP_NUM_THREADS": "2", "HF_HUB_OFFLINE": "1"},
            )
            read.append(torch.load(target))
        assert torch.equal(read[0][0], read[1][0]), "the tokenizer is read differently"
        assert torch.allclose(read[0][1], read[1][1], atol=1e-2), "the weights are read differently"
        logits[folder.name] = read[0][1]
    assert not torch.allclose(logits["student"], logits["tuned"], atol=1e-2), "training changed nothing"
