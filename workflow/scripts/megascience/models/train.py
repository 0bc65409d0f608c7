"""Train: fine-tune a model with LLaMA-Factory and collect its checkpoint.

LLaMA-Factory runs as a program of its own environment. It works in `.work` inside the output folder,
which outlives a failed job: a run that is asked for again goes on from its last whole checkpoint.
"""

import json
import logging
import os
import shutil
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from megascience.models.llamafactory import ZERO3, across_nodes, dataset_info, environment, training_arguments
from megascience.models.training_rows import write_training_rows
from megascience.storage.errors import EngineError, InputError
from megascience.storage.files import file_sha256, write_json, write_text
from megascience.storage.ids import content_id

#: What of LLaMA-Factory's output is the checkpoint. The rest (arguments, states, a model card) tells of the run.
_CHECKPOINT = (
    "config.json",
    "generation_config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
_LOG_KEYS = ("current_steps", "total_steps", "loss", "lr", "epoch")
_LAST_LINES = 30


def train(
    *,
    base: Path | str,
    dataset: Path | str,
    output: Path | str,
    settings: Mapping[str, Any],
    command: Sequence[str],
    devices: int,
    log: logging.Logger,
    per_device_batch: int = 1,
    nodes: int = 1,
) -> dict[str, Any]:
    """Fine-tune a model and return the manifest of its checkpoint, also written last as `output/model.json`.

    Args:
        base: folder of the Hugging Face checkpoint to start from.
        dataset: the released `train.parquet`, see `training_rows`.
        output: folder of the result; its name becomes the model's name.
        settings: a training preset, see `llamafactory.training_arguments`.
        command: the program and its first arguments, such as `["llamafactory-cli", "train"]`.
        devices: GPUs to use, over all nodes; 0 trains on the CPU.
        log: gets the program's lines as they come.
        per_device_batch: sequences that a device takes at once. Speed only: the step has
            `global_batch` sequences whatever it is.
        nodes: nodes of the SLURM job that this runs in, one process of torchrun on each.

    `output` then holds the checkpoint, `train.yaml`, `trainer_log.jsonl` (step, loss, learning rate, epoch),
    `training_loss.png`, `all_results.json`, `rows.json` (rows that came, are too long, are trained on),
    `dropped.parquet` (rows that are too long, where the preset drops them) and the manifest in the form of
    `models.fetch_model`, with a revision made of the files' SHA-256. None of them tells the time.

    Raises:
        InputError: the settings, the base or the dataset are faulty.
        EngineError: the program failed; the message ends with its last lines.
    """
    base, dataset, output = Path(base), Path(dataset), Path(output)
    work = output / ".work"
    arguments = training_arguments(settings, base=base, work=work, devices=devices, per_device_batch=per_device_batch)
    if not dataset.is_file():
        raise InputError(f"{dataset}: there is no such dataset; make it first")
    if not (base / "config.json").is_file():
        raise InputError(f"{base}: not a Hugging Face checkpoint (no config.json); train a model of format huggingface")
    rendered = yaml.safe_dump(arguments, sort_keys=True)
    recipe = content_id(rendered, file_sha256(dataset), *(file_sha256(p) for p in sorted(base.glob("*.safetensors"))))
    if _read(work / "recipe.txt") != recipe:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    checkpoint = last_checkpoint(work / "run")
    if checkpoint:
        log.info("going on from %s", checkpoint.name)
        rendered = yaml.safe_dump({**arguments, "resume_from_checkpoint": str(checkpoint)}, sort_keys=True)
    else:
        shutil.rmtree(work / "run", ignore_errors=True)
    counts = write_training_rows(
        dataset,
        work / "train.parquet",
        work / "dropped.parquet",
        tokenizer=base / "tokenizer.json",
        cutoff_len=arguments["cutoff_len"],
        too_long=settings.get("too_long", "drop"),
    )
    log.info("%d rows, %d too long, %d are trained on", counts.rows_in, counts.too_long, counts.trained)
    write_json(work / "rows.json", asdict(counts))
    write_json(work / "dataset_info.json", dataset_info("train.parquet"))
    write_json(work / "deepspeed.json", ZERO3)
    write_text(work / "train.yaml", rendered)
    write_text(work / "recipe.txt", recipe)
    caches = {"HF_DATASETS_CACHE": str((work / "cache").resolve())}
    program = [*command, str(work / "train.yaml")]
    started = across_nodes(program, nodes, devices) if nodes > 1 else program
    _run(started, {**environment(devices, arguments, nodes), **caches}, log, beside=command[0])
    manifest = _collect(work, output)
    shutil.rmtree(work)
    return manifest


def last_checkpoint(run: Path) -> Path | None:
    """Return the newest whole checkpoint of an interrupted run: the trainer writes its state last."""
    whole = [path.parent for path in run.glob("checkpoint-*/trainer_state.json")]
    return max(whole, key=lambda path: int(path.name.split("-")[1]), default=None)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _run(command: Sequence[str], variables: Mapping[str, str], log: logging.Logger, beside: str) -> None:
    """Run a program, pass its lines on to the log as they come, and fail with the last ones.

    Args:
        beside: a program whose neighbours are found by their names.
    """
    # a path of ours would put our modules before those of the program's own environment
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    if os.sep in beside:  # LLaMA-Factory calls torchrun by its name
        inherited["PATH"] = os.pathsep.join([os.path.dirname(os.path.abspath(beside)), inherited.get("PATH", "")])
    log.info("running %s", " ".join(command))
    last: deque[str] = deque(maxlen=_LAST_LINES)
    try:
        process = subprocess.Popen(
            command,
            env={**inherited, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise EngineError(
            f"{command[0]} cannot be started ({error.strerror}); install LLaMA-Factory or fix serving.train.command"
        ) from error
    with process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.strip():
                    last.append(line.rstrip())
                    log.info("%s", line.rstrip())
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise EngineError(f"{command[0]} ended with status {process.returncode}; its last lines:\n" + "\n".join(last))


def _collect(work: Path, output: Path) -> dict[str, Any]:
    """Move the checkpoint out of the run, write its logs without times, and the manifest last."""
    run = work / "run"
    for old in output.iterdir():
        if old != work:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    files = {}
    for path in sorted({path for pattern in _CHECKPOINT for path in run.glob(pattern)}):
        target = output / path.name
        shutil.move(path, target)
        target.chmod(0o644)
        files[path.name] = file_sha256(target)
    for needed in ("config.json", "tokenizer.json"):
        if needed not in files:
            raise EngineError(f"LLaMA-Factory ended well but wrote no {needed} into {run}")
    shutil.copy(run / "training_loss.png", output / "training_loss.png")
    for name in ("train.yaml", "rows.json", "dropped.parquet"):
        shutil.copy(work / name, output / name)
    rows = [json.loads(line) for line in (run / "trainer_log.jsonl").read_text(encoding="utf-8").splitlines()]
    # a step that was done twice, before and after an interruption, counts once
    steps = {row["current_steps"]: row for row in rows if "loss" in row}
    kept = [{key: steps[step].get(key) for key in _LOG_KEYS} for step in sorted(steps)]
    write_text(output / "trainer_log.jsonl", "".join(json.dumps(row) + "\n" for row in kept))
    results = json.loads((run / "all_results.json").read_text(encoding="utf-8"))
    timeless = ("runtime", "per_second")
    write_json(output / "all_results.json", {k: v for k, v in results.items() if not k.endswith(timeless)})
    manifest = {
        "name": output.name,
        "revision": content_id(*(f"{name} {sha256}" for name, sha256 in sorted(files.items()))),
        "format": "huggingface",
        "path": ".",
        "tokenizer": "tokenizer.json",
        "files": files,
    }
    write_json(output / "model.json", manifest)
    return manifest
