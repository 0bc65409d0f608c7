"""Parse a shard's completions into kept and dropped rows."""

from megascience.inference.parse import parse_shard
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    parse_shard(
        stage=snakemake.params.stage,
        records=snakemake.input.records,
        completions=snakemake.input.completions,
        prompts=snakemake.input.prompts,
        kept=snakemake.output.kept,
        dropped=snakemake.output.dropped,
        join=snakemake.input.get("join"),
        samples=snakemake.params.get("samples", 1),
        given=snakemake.params.get("given"),
    )
