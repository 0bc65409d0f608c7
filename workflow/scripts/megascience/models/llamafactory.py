"""LLaMA-Factory's input files, rendered from the settings of a training preset."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from megascience.storage.errors import InputError

#: LLaMA-Factory's keys that are made here, so that a preset must not set them.
MADE_HERE = (
    "model_name_or_path",
    "dataset",
    "dataset_dir",
    "output_dir",
    "do_train",
    "overwrite_output_dir",
    "resume_from_checkpoint",
    "num_train_epochs",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "plot_loss",
)

#: DeepSpeed's ZeRO-3 (Rajbhandari et al. 2020): parameters, gradients and optimizer state are split over the
#: GPUs. "auto" values are taken from the trainer; the released checkpoint is gathered in 16 bits.
ZERO3: dict[str, Any] = {
    "train_batch_size": "auto",
    "train_micro_batch_size_per_gpu": "auto",
    "gradient_accumulation_steps": "auto",
    "gradient_clipping": "auto",
    "zero_allow_untested_optimizer": True,
    "bf16": {"enabled": "auto"},
    "fp16": {"enabled": "auto"},
    "zero_optimization": {
        "stage": 3,
        "overlap_comm": True,
        "contiguous_gradients": True,
        "reduce_bucket_size": "auto",
        "stage3_prefetch_bucket_size": "auto",
        "stage3_param_persistence_threshold": "auto",
        "stage3_gather_16bit_weights_on_model_save": True,
    },
}


def accumulation_steps(global_batch: int, per_device_batch: int, devices: int) -> int:
    """Return how many small batches make one step: global batch / (batch of a device × devices).

    Args:
        global_batch: sequences of one optimizer step.
        per_device_batch: sequences that a device takes at once.
        devices: GPUs, or 0 for the CPU, which counts as one device.

    Raises:
        InputError: it does not divide, so that no run could have the batch asked for.
    """
    at_once = per_device_batch * max(devices, 1)
    if global_batch < 1 or at_once < 1 or global_batch % at_once:
        raise InputError(
            f"config: train: global_batch {global_batch} is not a multiple of {at_once}, the sequences that "
            f"{max(devices, 1)} device(s) take at once ({per_device_batch} each); change one of the three"
        )
    return global_batch // at_once


def training_arguments(
    settings: Mapping[str, Any], *, base: Path, work: Path, devices: int, per_device_batch: int
) -> dict[str, Any]:
    """Return LLaMA-Factory's arguments for a preset; the keys of the preset that are not ours pass through.

    Args:
        settings: the preset: LLaMA-Factory's keys, but for `global_batch` (sequences a step), `epochs`
            `deepspeed: zero3`, `too_long` (see `training_rows`) and `extra` (further keys of LLaMA-Factory).
        base: folder of the checkpoint to start from.
        work: folder with `dataset_info.json` (dataset "train"); the run goes to `work/run`.
        devices, per_device_batch: see `accumulation_steps`.

    Raises:
        InputError: a setting does not go with the devices.
    """
    arguments = {
        "model_name_or_path": str(base),
        "do_train": True,
        "dataset": "train",
        "dataset_dir": str(work),
        "output_dir": str(work / "run"),
        "per_device_train_batch_size": per_device_batch,
        "gradient_accumulation_steps": accumulation_steps(settings["global_batch"], per_device_batch, devices),
        "logging_steps": 1,
        "plot_loss": True,
        "save_strategy": "steps",
        "save_steps": 100,
        "save_total_limit": 1,
        "report_to": "none",
        "disable_tqdm": True,
        "seed": 42,
    }
    ours = {"global_batch", "epochs", "deepspeed", "too_long", "extra"}
    arguments |= {key: value for key, value in settings.items() if key not in ours}
    arguments |= settings.get("extra", {})
    if "epochs" in settings:
        arguments["num_train_epochs"] = settings["epochs"]
    if not devices:
        arguments["use_cpu"] = True
    if "deepspeed" in settings:
        if not devices:
            raise InputError("config: train: deepspeed needs GPUs; give the job some in the profile, or remove it")
        arguments["deepspeed"] = str(work / "deepspeed.json")
    return arguments


def dataset_info(file_name: str) -> dict[str, Any]:
    """Return `dataset_info.json` for a file of rows, in which `question` asks and `answer` responds.

    The file is Parquet: of JSON the loader guesses the columns' types from the first megabytes, and a column that
    is null there breaks the training.
    """
    return {
        "train": {
            "file_name": file_name,
            "formatting": "alpaca",
            "columns": {"prompt": "question", "response": "answer"},
        }
    }


def environment(devices: int, arguments: Mapping[str, Any], nodes: int = 1) -> dict[str, str]:
    """Return the environment variables that a run needs beside the present ones.

    Raises:
        InputError: the GPUs are not the same number on each node.
    """
    variables = {
        "HF_HUB_OFFLINE": "1",  # the base model is a folder: nothing is to be fetched
        "TQDM_DISABLE": "1",  # bars would fill the log
        "TOKENIZERS_PARALLELISM": "false",
    }
    if devices % nodes:
        raise InputError(f"train: {devices} GPUs are not shared out evenly over {nodes} nodes; fix the profile")
    if devices:
        variables["NPROC_PER_NODE"] = str(devices // nodes)
    if devices > 1 or "deepspeed" in arguments:
        variables["FORCE_TORCHRUN"] = "1"
    if nodes > 1:
        variables["NNODES"] = str(nodes)
    return variables


def across_nodes(command: Sequence[str], nodes: int, devices: int) -> list[str]:
    """Return the command that starts a program once on each node of the SLURM job that this runs in.

    Each gets its rank and the first node's address, by which torchrun's processes find each other. The port
    comes from the job's number, so that two jobs on one node do not meet.
    """
    setting = (
        "export NODE_RANK=$SLURM_NODEID MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000)) "
        'MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1); exec "$@"'
    )
    each = ("--ntasks-per-node=1", f"--gpus-per-node={devices // nodes}") if devices else ("--ntasks-per-node=1",)
    # --overlap: the step that this runs in already holds the job's GPUs.
    return ["srun", "--overlap", f"--nodes={nodes}", f"--ntasks={nodes}", *each, "sh", "-c", setting, "sh", *command]
