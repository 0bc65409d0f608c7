"""Where a model answers: the config's `serving` section and a job's resources, as a `ModelSpec`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from megascience.inference.engines.base import ModelSpec
from megascience.storage.errors import InputError


def _manifest(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a model manifest ({error}); delete it and run again") from error


def tokenizer_path(manifest: str | Path) -> Path:
    """Return the tokenizer.json of a model.

    Raises:
        InputError: the manifest cannot be read, or the model came without a tokenizer.
    """
    manifest = Path(manifest)
    tokenizer = _manifest(manifest).get("tokenizer")
    if not tokenizer:
        raise InputError(
            f"{manifest}: this model has no tokenizer.json; name a model that has one in the config's chunk"
        )
    return manifest.parent / tokenizer


def prices(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config's prices by the name that a model's records carry."""
    return {config["models"][key]["name"]: entry for key, entry in config["prices"].items()}


def model_spec(manifest: str | Path, config: Mapping[str, Any], threads: int, gpus: int) -> ModelSpec:
    """Return what an engine needs to know of a model.

    Args:
        manifest: the model's `model.json`; its folder has the model's or the experiment's name.
        config: the configuration; an experiment is served as its base model is.
        threads: CPU threads of the job.
        gpus: GPUs of the job; they give the tensor-parallel size unless `serving` sets one.

    Raises:
        InputError: the manifest cannot be read.
    """
    manifest = Path(manifest)
    entry = _manifest(manifest)
    name = manifest.parent.name
    base = next((e["base"] for e in config["experiments"] if e["name"] == name), name)
    own = {**config["serving"].get(base, {}), **config["serving"].get(name, {})}
    serving = {"threads": threads, "gpus": gpus, **config["serving"]["default"], **own}
    if gpus and "tensor_parallel_size" not in serving:
        serving["tensor_parallel_size"] = gpus
    if entry.get("tokenizer"):
        serving["tokenizer"] = str(manifest.parent / entry["tokenizer"])
    return ModelSpec(
        name=entry["name"],
        revision=entry["revision"],
        engine=serving.pop("engine"),
        path=str(manifest.parent / entry["path"]) if entry.get("path") else "",
        context=config["models"][base]["context"],
        serving=serving,
    )
