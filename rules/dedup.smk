# One pair of each group of near-duplicates: across all disciplines, and within each public source.
# Needs: <results>/extract or <results>/import_source. Makes: <results>/dedup.


rule dedup_sketch:
    input:
        records=records("dedup"),
    output:
        sketch="<results>/dedup/{subset}/{shard}.sketch.parquet",
    log:
        "<logs>/dedup_sketch/{subset}/{shard}.log",
    benchmark:
        "<timings>/dedup_sketch/{subset}/{shard}.tsv"
    conda:
        "../envs/curate.yaml"
    params:
        code=code_hash("dedup_sketch"),
    script:
        "../workflow/scripts/dedup_sketch.py"


# Only for semantic deduplication, which is off unless the config gives a threshold.
rule dedup_embed:
    input:
        records=records("dedup"),
        model=manifest(CONFIG.embed.model),
    output:
        vectors="<results>/dedup/{subset}/{shard}.npy",
        ids="<results>/dedup/{subset}/{shard}.ids.parquet",
    log:
        "<logs>/dedup_embed/{subset}/{shard}.log",
    benchmark:
        "<timings>/dedup_embed/{subset}/{shard}.tsv"
    conda:
        "../envs/embed.yaml"
    params:
        settings=CONFIG.embed.plain(),
        code=code_hash("embed"),
    script:
        "../workflow/scripts/embed.py"


# One clustering for all textbooks and one for each public source.
for pool in PLAN.branches.unbranched:

    rule:
        name:
            f"dedup_cluster_{pool}"
        input:
            records=REPORTS.pool_files(pool, PLAN.branches.reads("dedup", pool)),
            sketches=REPORTS.pool_files(pool, "dedup", ".sketch.parquet"),
            vectors=REPORTS.pool_files(pool, "dedup", ".npy") if SEMANTIC else [],
            ids=REPORTS.pool_files(pool, "dedup", ".ids.parquet") if SEMANTIC else [],
        output:
            duplicates=REPORTS.pool_files(pool, "dedup", ".duplicates.parquet"),
        log:
            f"<logs>/dedup_cluster/{pool}.log",
        benchmark:
            f"<timings>/dedup_cluster/{pool}.tsv"
        conda:
            "../envs/curate.yaml"
        threads: 2
        params:
            settings=CONFIG.dedup.plain(),
            code=code_hash("dedup_cluster"),
        script:
            "../workflow/scripts/dedup_cluster.py"


rule dedup:
    input:
        records=records("dedup"),
        duplicates="<results>/dedup/{subset}/{shard}.duplicates.parquet",
    output:
        kept="<results>/dedup/{subset}/{shard}.parquet",
        dropped="<results>/dedup/{subset}/{shard}.dropped.parquet",
    log:
        "<logs>/dedup/{subset}/{shard}.log",
    conda:
        "../envs/curate.yaml"
    params:
        code=code_hash("dedup"),
    script:
        "../workflow/scripts/dedup.py"
