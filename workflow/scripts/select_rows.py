"""Write the selected rows of a shard."""

from megascience.datasets.selection import select_shard
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    select_shard(snakemake.input.records[0], snakemake.input.dropped, snakemake.output.kept)
