"""Ask a model for each record of a shard what its journal does not know yet."""

from pathlib import Path

from megascience.inference.engines.base import Sampling
from megascience.inference.generate import generate_shard
from megascience.models.manifest import model_spec, prices
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    settings = snakemake.params.settings
    cost = snakemake.output.cost
    generate_shard(
        stage=settings["stage"],
        records=snakemake.input.records,
        prompts=snakemake.input.prompts,
        output=snakemake.output.completions,
        cost=cost,
        journal=Path(cost.replace("/cost/", "/journal/")).with_suffix(".jsonl"),
        model=model_spec(snakemake.input.model, snakemake.config, snakemake.threads, snakemake.resources.get("gpu", 0)),
        sampling=Sampling(**settings["sampling"]),
        retries=settings["retries"],
        constrain=settings["constrain"],
        samples=settings.get("samples", 1),
        budget=snakemake.config["budget"],
        prices=prices(snakemake.config),
        journals=Path(cost.partition("/cost/")[0], "journal"),
        join=snakemake.input.get("join"),
        given=settings.get("given"),
        missing=snakemake.input.missing,
    )
