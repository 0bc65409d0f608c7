"""Count the requests of a shard that its journal does not answer."""

from pathlib import Path

from megascience.inference.engines.base import Sampling
from megascience.inference.pending import write_missing
from megascience.inference.requests import RequestPlan
from megascience.models.manifest import model_spec
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    settings = snakemake.params.settings
    model = model_spec(snakemake.input.model, snakemake.config, snakemake.threads, 0)
    plan = RequestPlan(
        records=snakemake.input.records,
        prompts=snakemake.input.prompts,
        join=snakemake.input.get("join"),
        model=model.name,
        revision=model.revision,
        sampling=Sampling(**settings["sampling"]),
        **{key: settings[key] for key in ("stage", "retries", "constrain", "samples", "given") if key in settings},
    )
    output = snakemake.output.missing
    write_missing(output, plan, Path(output.replace("/missing/", "/journal/")).with_suffix(".jsonl"), model)
