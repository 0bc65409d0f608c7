# Tables.
# Needs: what the stages kept and dropped, the datasets, the scores. Makes: <results>/tables.


rule table_contamination:
    input:
        verdicts=[
            path
            for pool in PLAN.needed.branches.unbranched
            for path in REPORTS.pool_files(pool, "decontaminate", ".verdicts.parquet")
        ],
    output:
        table="<results>/tables/contamination.tsv",
    log:
        "<logs>/tables/contamination.log",
    conda:
        "../envs/report.yaml"
    params:
        code=code_hash("table_contamination"),
    script:
        "../workflow/scripts/table_contamination.py"


rule table_cost:
    input:
        costs=lambda wildcards: [
            str(shard.cost) for shard in shards_of(PLAN.needed, "<results>")
        ],
    output:
        table="<results>/tables/cost.tsv",
    log:
        "<logs>/tables/cost.log",
    conda:
        "../envs/report.yaml"
    params:
        prices=PLAN.prices,
        code=code_hash("table_cost"),
    script:
        "../workflow/scripts/table_cost.py"


rule table_extraction:
    input:
        chunks=REPORTS.pool_files(TRUNK, "chunk"),
        pairs=REPORTS.pool_files(TRUNK, "extract"),
        paper=PAPER,
    output:
        table="<results>/tables/extraction.tsv",
        markdown="<results>/tables/extraction.md",
        latex="<results>/tables/extraction.tex",
    log:
        "<logs>/tables/extraction.log",
    conda:
        "../envs/report.yaml"
    params:
        code=code_hash("table_extraction"),
    script:
        "../workflow/scripts/table_extraction.py"


rule table_curation:
    input:
        yields="<results>/tables/yield.tsv",
        paper=PAPER,
    output:
        table="<results>/tables/curation.tsv",
        markdown="<results>/tables/curation.md",
        latex="<results>/tables/curation.tex",
    log:
        "<logs>/tables/curation.log",
    conda:
        "../envs/report.yaml"
    params:
        code=code_hash("table_curation"),
    script:
        "../workflow/scripts/table_curation.py"


# The sources of a mixture.
rule table_sources:
    input:
        yields=lambda wildcards: [
            FILES.yields(pool) for pool, _ in REPORTS.mixture_parts(wildcards.mixture)
        ],
        selected=lambda wildcards: [
            f"<results>/select/{selection}.json"
            for _, selection in REPORTS.mixture_parts(wildcards.mixture)
            if selection
        ],
        mixed="<results>/mixture/{mixture}/counts.tsv",
        paper=PAPER,
    output:
        table="<results>/tables/sources.{mixture}.tsv",
        markdown="<results>/tables/sources.{mixture}.md",
        latex="<results>/tables/sources.{mixture}.tex",
    log:
        "<logs>/tables/sources.{mixture}.log",
    wildcard_constraints:
        mixture="|".join(PLAN.mixtures.parts) or "no mixture",
    conda:
        "../envs/report.yaml"
    params:
        parts=lambda wildcards: REPORTS.mixture_parts(wildcards.mixture),
        code=code_hash("table_sources"),
    script:
        "../workflow/scripts/table_sources.py"


rule table_scores:
    input:
        summaries=REPORTS.scores(PLAN.evaluated),
    output:
        table="<results>/tables/scores.tsv",
    log:
        "<logs>/tables/scores.log",
    conda:
        "../envs/report.yaml"
    params:
        benchmarks=PLAN.benchmark_entries,
        code=code_hash("table_scores"),
    script:
        "../workflow/scripts/table_scores.py"


# One table of scores for each entry of the config's `tables`, and `main`.
rule table_comparison:
    input:
        summaries=lambda wildcards: REPORTS.scores(
            compared(CONFIG, wildcards.comparison)
        ),
        verdicts=lambda wildcards: REPORTS.scores(
            compared(CONFIG, wildcards.comparison), ".parquet"
        ),
        datasets=lambda wildcards: REPORTS.trained_on(
            compared(CONFIG, wildcards.comparison),
            "<results>/dataset/{dataset}/train.parquet",
        ),
        paper=PAPER,
    output:
        table="<results>/tables/{comparison}.tsv",
        markdown="<results>/tables/{comparison}.md",
        latex="<results>/tables/{comparison}.tex",
    log:
        "<logs>/tables/{comparison}.log",
    wildcard_constraints:
        comparison="|".join(REPORTS.comparisons),
    conda:
        "../envs/report.yaml"
    params:
        table=lambda wildcards: REPORTS.comparisons[wildcards.comparison],
        trained=lambda wildcards: trained(
            CONFIG, compared(CONFIG, wildcards.comparison)
        ),
        benchmarks=PLAN.benchmark_entries,
        code=code_hash("table_comparison"),
    script:
        "../workflow/scripts/table_comparison.py"


# How many answers of a dataset have how many tokens.
rule answer_lengths:
    input:
        dataset="<results>/dataset/{dataset}/train.parquet",
        model=manifest(CONFIG.chunk.model),
    output:
        lengths="<results>/lengths/{dataset}.tsv",
    log:
        "<logs>/lengths/{dataset}.log",
    conda:
        "../envs/report.yaml"
    params:
        code=code_hash("answer_lengths"),
    script:
        "../workflow/scripts/answer_lengths.py"
