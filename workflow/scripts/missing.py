"""Count the requests of a shard that its journal does not answer."""

from pathlib import Path

from megascience.engines.base import Sampling
from megascience.logs import job_log
from megascience.missing import write_missing
from megascience.request_plan import RequestPlan
from megascience.serving import model_spec

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
