"""Sketch the questions of a shard: shingles and MinHash signatures."""

from megascience.curation.dedup import sketch_shard
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    sketch_shard(snakemake.input.records, snakemake.output.sketch)
