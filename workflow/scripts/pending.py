"""Count the requests of a shard that its journal does not answer."""

from megascience.inference.engines.base import Sampling
from megascience.inference.pending import write_pending
from megascience.inference.requests import RequestPlan
from megascience.models.manifest import model_spec
from megascience.storage.layout import Layout
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
    journal = Layout(snakemake.params.results).journal(settings["stage"], *snakemake.wildcards)
    write_pending(snakemake.output.pending, plan, journal, model)
