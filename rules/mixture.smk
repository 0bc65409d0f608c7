# Datasets that are mixed of parts: selections with or without new solutions, and whole datasets of textbooks.
# Needs: <results>/select or <results>/annotate, the last rows of textbooks and their datasets' provenance.
# Makes: <results>/dataset/{dataset}, and <results>/mixture/{dataset} (the dropped rows and the counts by part).


rule mixture:
    input:
        unpack(lambda wildcards: REPORTS.mixture_files(wildcards.dataset)),
    output:
        card="<results>/dataset/{dataset}/README.md",
        parquet="<results>/dataset/{dataset}/train.parquet",
        jsonl="<results>/dataset/{dataset}/train.jsonl",
        provenance="<results>/dataset/{dataset}/provenance.parquet",
        dropped="<results>/mixture/{dataset}/000.dropped.parquet",
        counts="<results>/mixture/{dataset}/counts.tsv",
    log:
        "<logs>/mixture/{dataset}.log",
    benchmark:
        "<timings>/mixture/{dataset}.tsv"
    wildcard_constraints:
        dataset="|".join(map(re.escape, PLAN.mixtures.parts)) or "no mixture",
    conda:
        "../envs/curate.yaml"
    params:
        parts=lambda wildcards: [
            {
                "name": part.name,
                "source": PLAN.part_pool(part),
                "n": part.n,
                "share": part.share,
            }
            for part in PLAN.mixtures.parts[wildcards.dataset]
        ],
        seed=lambda wildcards: CONFIG.datasets[wildcards.dataset].seed or 0,
        dedup={key: getattr(CONFIG.dedup, key) for key in ("preset", "threshold")},
        code=code_hash("mixture"),
    script:
        "../workflow/scripts/mixture.py"
