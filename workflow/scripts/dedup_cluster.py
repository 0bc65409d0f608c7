"""Cluster the near-duplicates of the whole subset; one keep-list a shard."""

from megascience.curation.dedup import cluster_shards, lsh_settings
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]) as logger:
    settings, shards = snakemake.params.settings, snakemake.input.sketches
    vectors = zip(snakemake.input.vectors, snakemake.input.ids, strict=True)
    counts = cluster_shards(
        dict(zip(shards, shards, strict=True)),
        dict(zip(shards, snakemake.output.duplicates, strict=True)),
        engine=settings["engine"],
        records={shard: [path] for shard, path in zip(shards, snakemake.input.records, strict=True)},
        command=snakemake.config["serving"]
        .get("text-dedup", {})
        .get("command", ["python", "-m", "text_dedup.minhash"]),
        threads=snakemake.threads,
        vectors=dict(zip(shards, vectors, strict=True)) if snakemake.input.vectors else None,
        semantic_threshold=settings["semantic_threshold"],
        device="cuda" if snakemake.resources.get("gpu", 0) else "cpu",
        **lsh_settings(settings["preset"], settings["threshold"]),
    )
    logger.info("%s", counts)
