"""Sketch the questions of a shard: shingles and MinHash signatures."""

from megascience.dedup import sketch_shard
from megascience.logs import job_log

with job_log(snakemake.log[0]):
    sketch_shard(snakemake.input.records, snakemake.output.sketch)
