"""Fine-tune a base model on a dataset with LLaMA-Factory."""

from pathlib import Path

from megascience.models.train import train
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]) as logger:
    place = snakemake.config["serving"]["train"]
    train(
        base=Path(snakemake.input.base).parent,
        dataset=snakemake.input.dataset,
        output=Path(snakemake.output.manifest).parent,
        settings=snakemake.params.settings,
        command=place["command"],
        per_device_batch=place.get("per_device_batch", 1),
        devices=snakemake.resources.get("gpu", 0),
        nodes=snakemake.resources.get("nodes", 1),
        log=logger,
    )
