# Every row is kept or dropped with a reason: the build fails here where rows do not add up.
# Needs: what the stages kept and dropped. Makes: <results>/tables/yield*.


rule table_yield:
    input:
        kept=lambda wildcards: REPORTS.yields(TRUNK),
        dropped=lambda wildcards: REPORTS.yields(TRUNK, ".dropped.parquet"),
    output:
        table="<results>/tables/yield.tsv",
        reasons="<results>/tables/yield_reasons.tsv",
    log:
        "<logs>/tables/yield.log",
    conda:
        "../envs/report.yaml"
    params:
        books=lambda wildcards: PLAN.book_shards.rows(),
        standards=CONFIG.extract.standards,
        code=code_hash("table_yield"),
    script:
        "../workflow/scripts/table_yield.py"


# The same for a dataset that branches off, or for a public source.
use rule table_yield as table_yield_of with:
    input:
        kept=lambda wildcards: REPORTS.yields(wildcards.pool),
        dropped=lambda wildcards: REPORTS.yields(wildcards.pool, ".dropped.parquet"),
    output:
        table="<results>/tables/yield.{pool}.tsv",
        reasons="<results>/tables/yield_reasons.{pool}.tsv",
    log:
        "<logs>/tables/yield.{pool}.log",
