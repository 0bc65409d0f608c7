# The released datasets of textbooks, and those that leave stages out or override them.
# Needs: <results>/reference, the chunks and the shelf. Makes: <results>/dataset/{dataset}.


rule dataset:
    input:
        unpack(lambda wildcards: REPORTS.model_files(wildcards.dataset)),
        references=lambda wildcards: REPORTS.pool_files(wildcards.dataset, "reference"),
        chunks=lambda wildcards: REPORTS.pool_files(wildcards.dataset, "chunk"),
        verdicts=lambda wildcards: REPORTS.pool_files(
            wildcards.dataset, "decontaminate", ".verdicts.parquet"
        ),
        yields=lambda wildcards: FILES.yields(wildcards.dataset),
        measured=by_content(find_file("workflow/gold/measured.json")),
    output:
        card="<results>/dataset/{dataset}/README.md",
        parquet="<results>/dataset/{dataset}/train.parquet",
        jsonl="<results>/dataset/{dataset}/train.jsonl",
        provenance="<results>/dataset/{dataset}/provenance.parquet",
    log:
        "<logs>/dataset/{dataset}.log",
    wildcard_constraints:
        dataset="|".join(map(re.escape, [TRUNK, *PLAN.branches.names])),
    conda:
        "../envs/curate.yaml"
    params:
        stages=lambda wildcards: [
            s for s in PLAN.pool_stages(wildcards.dataset) if s in MODEL_STAGES
        ],
        standards=CONFIG.extract.standards,
        books=lambda wildcards: PLAN.book_shards.rows(),
        embedder=PLAN.embedder,
        code=code_hash("dataset"),
    script:
        "../workflow/scripts/dataset.py"
