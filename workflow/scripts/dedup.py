"""Keep the best copy of each cluster."""

from megascience.curation.dedup import select_shard
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    select_shard(snakemake.input.records, snakemake.input.duplicates, snakemake.output.kept, snakemake.output.dropped)
