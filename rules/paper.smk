# Tables and figures.
# Needs: what the stages kept and dropped, the dataset, the scores. Makes: <results>/tables, <results>/figures.


# The build fails here where rows in are not rows kept plus rows dropped.
rule table_yield:
    input:
        kept=yields_of(TRUNK),
        dropped=yields_of(TRUNK, ".dropped.parquet"),
    output:
        table="<results>/tables/yield.tsv",
        reasons="<results>/tables/yield_reasons.tsv",
    log:
        "<logs>/tables/yield.log",
    conda:
        "../envs/report.yaml"
    params:
        books=PLAN.book_rows,
        standards=config["extract"]["standards"],
        code=code_hash("conservation"),
    script:
        "../workflow/scripts/table_yield.py"


# The same for a dataset that branches off, or for a public source.
use rule table_yield as table_yield_of with:
    input:
        kept=lambda wildcards: yields_of(wildcards.pool),
        dropped=lambda wildcards: yields_of(wildcards.pool, ".dropped.parquet"),
    output:
        table="<results>/tables/yield.{pool}.tsv",
        reasons="<results>/tables/yield_reasons.{pool}.tsv",
    log:
        "<logs>/tables/yield.{pool}.log",


rule table_contamination:
    input:
        verdicts=[
            path
            for pool in PLAN.chains.unbranched
            for path in pool_files(pool, "decontaminate", ".verdicts.parquet")
        ],
    output:
        table="<results>/tables/contamination.tsv",
    log:
        "<logs>/tables/contamination.log",
    conda:
        "../envs/report.yaml"
    params:
        code=code_hash("contamination"),
    script:
        "../workflow/scripts/table_contamination.py"


rule table_cost:
    input:
        stages=[
            f"<results>/cost/{stage}/{corpus}/{shard}.json"
            for stage in MODEL_STAGES
            for corpus in PLAN.corpora
            if stage in PLAN.chains.own(corpus)
            for shard in PLAN.shards_of(corpus)
        ],
        evaluate=expand("<results>/cost/evaluate/{model}.json", model=PLAN.evaluated),
    output:
        table="<results>/tables/cost.tsv",
    log:
        "<logs>/tables/cost.log",
    conda:
        "../envs/report.yaml"
    params:
        prices=PLAN.prices,
        code=code_hash("tables"),
    script:
        "../workflow/scripts/table_cost.py"


rule table_main:
    input:
        summaries=expand(
            "<results>/evaluate/{model}/{benchmark}.json",
            model=PLAN.evaluated,
            benchmark=PLAN.benchmarks,
        ),
    output:
        table="<results>/tables/main.tsv",
        markdown="<results>/tables/main.md",
        latex="<results>/tables/main.tex",
        intervals="<results>/tables/scores.tsv",
    log:
        "<logs>/tables/main.log",
    conda:
        "../envs/report.yaml"
    params:
        benchmarks=PLAN.benchmark_entries,
        code=code_hash("tables"),
    script:
        "../workflow/scripts/table_main.py"


rule figure_yield:
    input:
        table="<results>/tables/yield.tsv",
    output:
        pdf="<results>/figures/yield.pdf",
        png=report(
            "<results>/figures/yield.png",
            caption="../workflow/report/yield.rst",
            category="Figures",
        ),
    log:
        "<logs>/figures/yield.log",
    conda:
        "../envs/report.yaml"
    params:
        code=code_hash("figures"),
    script:
        "../workflow/scripts/figure_yield.py"


rule figure_scores:
    input:
        summaries=expand(
            "<results>/evaluate/{model}/{benchmark}.json",
            model=PLAN.evaluated,
            benchmark=PLAN.benchmarks,
        ),
    output:
        pdf="<results>/figures/scores.pdf",
        png=report(
            "<results>/figures/scores.png",
            caption="../workflow/report/scores.rst",
            category="Figures",
        ),
    log:
        "<logs>/figures/scores.log",
    conda:
        "../envs/report.yaml"
    params:
        benchmarks=PLAN.benchmark_entries,
        code=code_hash("figures"),
    script:
        "../workflow/scripts/figure_scores.py"


rule figure_response_length:
    input:
        dataset="<results>/dataset/textbook_reasoning/train.parquet",
        summaries=expand(
            "<results>/evaluate/{model}/{benchmark}.json",
            model=PLAN.evaluated,
            benchmark=PLAN.benchmarks,
        ),
        model=manifest(config["chunk"]["model"]),
    output:
        pdf="<results>/figures/response_length.pdf",
        png=report(
            "<results>/figures/response_length.png",
            caption="../workflow/report/response_length.rst",
            category="Figures",
        ),
    log:
        "<logs>/figures/response_length.log",
    conda:
        "../envs/report.yaml"
    params:
        benchmarks=PLAN.benchmark_entries,
        code=code_hash("figures"),
    script:
        "../workflow/scripts/figure_response_length.py"
