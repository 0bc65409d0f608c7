# Public sets of questions and answers, with licence and attribution.
# Needs: the config's `sources`: files on this machine, or data sets of the hub at a pinned revision.
# Makes: <results>/import_source (rows by shard, what was dropped, and a summary).


# Before any model starts, the first rows of each local file are read.
rule check_source:
    input:
        files=lambda wildcards: [
            by_content(path) for path in PLAN.source_files(wildcards.source)
        ],
    output:
        checked="<results>/import_source/{source}/checked.tsv",
    log:
        "<logs>/check_source/{source}.log",
    conda:
        "../envs/curate.yaml"
    params:
        entry=lambda wildcards: PLAN.source_entry(wildcards.source),
        code=code_hash("check_source"),
    script:
        "../workflow/scripts/check_source.py"


# One job a source writes all its shards, since a row's shard is known when it has been read.
for source in CONFIG.sources:

    rule:
        name:
            f"import_source_{source}"
        input:
            files=[by_content(path) for path in PLAN.source_files(source)],
            checked=f"<results>/import_source/{source}/checked.tsv",
        output:
            kept=REPORTS.pool_files(source, "import_source"),
            dropped=REPORTS.pool_files(source, "import_source", ".dropped.parquet"),
            summary=f"<results>/import_source/{source}/source.json",
        log:
            f"<logs>/import_source/{source}.log",
        benchmark:
            f"<timings>/import_source/{source}.tsv"
        conda:
            "../envs/curate.yaml"
        params:
            name=source,
            entry=PLAN.source_entry(source),
            code=code_hash("import_source"),
        script:
            "../workflow/scripts/import_source.py"
