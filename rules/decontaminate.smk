# No benchmark item in disguise.
# Needs: the rows of filter, or of dedup for a public source, and the benchmarks of the registry.
# Makes: <results>/benchmarks (items), <results>/embed, <results>/search (candidates), <results>/decontaminate
#   (kept and dropped rows, and the record of verdicts).


rule benchmark_items:
    input:
        files=lambda wildcards: [
            by_content(path) for path in PLAN.benchmark_files(wildcards.benchmark)
        ],
    output:
        benchmark="<results>/benchmarks/{benchmark}.parquet",
    log:
        "<logs>/benchmark_items/{benchmark}.log",
    conda:
        "../envs/curate.yaml"
    params:
        entry=lambda wildcards: PLAN.benchmark_source(wildcards.benchmark),
        root=CONFIG.evaluate.root,
        code=code_hash("benchmark_items"),
    script:
        "../workflow/scripts/benchmark_items.py"


rule embed_benchmarks:
    input:
        records=expand(
            "<results>/benchmarks/{benchmark}.parquet", benchmark=PLAN.benchmarks
        ),
        model=manifest(CONFIG.embed.model),
    output:
        vectors="<results>/embed/benchmarks.npy",
        ids="<results>/embed/benchmarks.ids.parquet",
    log:
        "<logs>/embed/benchmarks.log",
    benchmark:
        "<timings>/embed/benchmarks.tsv"
    conda:
        "../envs/embed.yaml"
    threads: 1
    params:
        settings=CONFIG.embed.plain(),
        bare=True,
        code=code_hash("embed"),
    script:
        "../workflow/scripts/embed.py"


rule embed:
    input:
        records=records("decontaminate"),
        model=manifest(CONFIG.embed.model),
    output:
        vectors="<results>/embed/{subset}/{shard}.npy",
        ids="<results>/embed/{subset}/{shard}.ids.parquet",
    log:
        "<logs>/embed/{subset}/{shard}.log",
    benchmark:
        "<timings>/embed/{subset}/{shard}.tsv"
    conda:
        "../envs/embed.yaml"
    threads: 1
    params:
        settings=CONFIG.embed.plain(),
        code=code_hash("embed"),
    script:
        "../workflow/scripts/embed.py"


rule search:
    input:
        records=records("decontaminate"),
        benchmarks=expand(
            "<results>/benchmarks/{benchmark}.parquet", benchmark=PLAN.benchmarks
        ),
        vectors="<results>/embed/{subset}/{shard}.npy",
        ids="<results>/embed/{subset}/{shard}.ids.parquet",
        index_vectors="<results>/embed/benchmarks.npy",
        index_ids="<results>/embed/benchmarks.ids.parquet",
    output:
        candidates="<results>/search/{subset}/{shard}.parquet",
    log:
        "<logs>/search/{subset}/{shard}.log",
    benchmark:
        "<timings>/search/{subset}/{shard}.tsv"
    conda:
        "../envs/embed.yaml"
    threads: 16
    params:
        settings=CONFIG.search.plain(),
        code=code_hash("search"),
    script:
        "../workflow/scripts/search.py"


use rule generate as decontaminate_generate with:
    input:
        unpack(asks("decontaminate")),
    pathvars:
        stage="decontaminate",
    params:
        **asking("decontaminate"),
        code=code_hash("generate", stage="decontaminate"),


rule decontaminate:
    input:
        unpack(answers("decontaminate")),
        candidates="<results>/search/{subset}/{shard}.parquet",
    output:
        kept="<results>/decontaminate/{subset}/{shard}.parquet",
        dropped="<results>/decontaminate/{subset}/{shard}.dropped.parquet",
        verdicts="<results>/decontaminate/{subset}/{shard}.verdicts.parquet",
    log:
        "<logs>/decontaminate/{subset}/{shard}.log",
    conda:
        "../envs/curate.yaml"
    params:
        code=code_hash("decontaminate", stage="decontaminate"),
    script:
        "../workflow/scripts/decontaminate.py"
