"""Ask a model for each record of a shard what its journal does not know yet."""

from megascience.inference.engines.base import Sampling
from megascience.inference.generate import generate_shard
from megascience.models.manifest import model_spec, prices
from megascience.storage.layout import Layout
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    settings, files = snakemake.params.settings, Layout(snakemake.params.results)
    gpus = snakemake.resources.get("gpu", 0)
    generate_shard(
        stage=settings["stage"],
        records=snakemake.input.records,
        prompts=snakemake.input.prompts,
        output=snakemake.output.completions,
        cost=snakemake.output.cost,
        journal=files.journal(settings["stage"], *snakemake.wildcards),
        model=model_spec(snakemake.params.model, snakemake.config, snakemake.threads, gpus),
        sampling=Sampling(**settings["sampling"]),
        retries=settings["retries"],
        constrain=settings["constrain"],
        samples=settings.get("samples", 1),
        budget=snakemake.config["budget"],
        prices=prices(snakemake.config),
        journals=files.journals,
        join=snakemake.input.get("join"),
        given=settings.get("given"),
        pending=snakemake.input.pending,
    )
