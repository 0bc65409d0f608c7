"""Write the selected rows of a shard."""

from megascience.logs import job_log
from megascience.selection import select_shard

with job_log(snakemake.log[0]):
    select_shard(snakemake.input.records[0], snakemake.input.ledger, snakemake.output.kept)
