"""Parse the scores of sampled answers into one row a question."""

from megascience.datasets.difficulty import score_shard
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    score_shard(
        records=snakemake.input.records,
        completions=snakemake.input.completions,
        prompts=snakemake.input.prompts,
        kept=snakemake.output.kept,
        dropped=snakemake.output.dropped,
    )
