"""Find the benchmark items nearest to each question of a shard."""

from megascience.curation.search import search_shard
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    search_shard(
        snakemake.input.records,
        snakemake.input.vectors,
        snakemake.input.ids,
        items=snakemake.input.benchmarks,
        index=[(snakemake.input.index_vectors, snakemake.input.index_ids)],
        output=snakemake.output.candidates,
        device="cuda" if snakemake.resources.get("gpu", 0) else "cpu",
        **snakemake.params.settings,
    )
