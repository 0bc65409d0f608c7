"""Embed questions, with their options where there are any."""

from pathlib import Path

from megascience.curation.embed import embed_shard
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    embed_shard(
        snakemake.input.records,
        snakemake.output.vectors,
        snakemake.output.ids,
        model_path=Path(snakemake.input.model).parent,
        batch_size=snakemake.params.settings["batch_size"],
        bare=snakemake.params.get("bare", False),
        device="cuda" if snakemake.resources.get("gpu", 0) else "cpu",
    )
