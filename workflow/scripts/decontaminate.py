"""Drop what the judge found to be a benchmark item in disguise, and keep the verdicts."""

from megascience.curation.decontaminate import decide_shard
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    decide_shard(
        records=snakemake.input.records,
        candidates=snakemake.input.candidates,
        completions=snakemake.input.completions,
        prompts=snakemake.input.prompts,
        kept=snakemake.output.kept,
        dropped=snakemake.output.dropped,
        verdicts=snakemake.output.verdicts,
    )
