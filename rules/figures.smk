# Figures, each as PDF and as PNG for the report.
# Needs: tables, scores, lengths. Makes: <results>/figures.


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
        code=code_hash("figure_yield"),
    script:
        "../workflow/scripts/figure_yield.py"


rule figure_contamination:
    input:
        table="<results>/tables/contamination.tsv",
    output:
        pdf="<results>/figures/contamination.pdf",
        png=report(
            "<results>/figures/contamination.png",
            caption="../workflow/report/contamination.rst",
            category="Figures",
        ),
    log:
        "<logs>/figures/contamination.log",
    conda:
        "../envs/report.yaml"
    params:
        benchmarks=PLAN.benchmarks,
        sources=list(CONFIG.sources),
        code=code_hash("figure_contamination"),
    script:
        "../workflow/scripts/figure_contamination.py"


rule figure_cost:
    input:
        table="<results>/tables/cost.tsv",
    output:
        pdf="<results>/figures/cost.pdf",
        png=report(
            "<results>/figures/cost.png",
            caption="../workflow/report/cost.rst",
            category="Figures",
        ),
    log:
        "<logs>/figures/cost.log",
    conda:
        "../envs/report.yaml"
    params:
        code=code_hash("figure_cost"),
    script:
        "../workflow/scripts/figure_cost.py"


rule figure_scores:
    input:
        summaries=REPORTS.scores(compared(CONFIG, MAIN)),
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
        code=code_hash("figure_scores"),
    script:
        "../workflow/scripts/figure_scores.py"


rule figure_answer_length:
    input:
        lengths=REPORTS.trained_on(
            compared(CONFIG, MAIN), "<results>/lengths/{dataset}.tsv"
        ),
    output:
        pdf="<results>/figures/answer_length.pdf",
        png=report(
            "<results>/figures/answer_length.png",
            caption="../workflow/report/answer_length.rst",
            category="Figures",
        ),
    log:
        "<logs>/figures/answer_length.log",
    conda:
        "../envs/report.yaml"
    params:
        code=code_hash("figure_answer_length"),
    script:
        "../workflow/scripts/figure_answer_length.py"


rule figure_training_length:
    input:
        summaries=REPORTS.scores(compared(CONFIG, MAIN)),
        lengths=REPORTS.trained_on(
            compared(CONFIG, MAIN), "<results>/lengths/{dataset}.tsv"
        ),
    output:
        pdf="<results>/figures/training_length.pdf",
        png=report(
            "<results>/figures/training_length.png",
            caption="../workflow/report/training_length.rst",
            category="Figures",
        ),
    log:
        "<logs>/figures/training_length.log",
    conda:
        "../envs/report.yaml"
    params:
        benchmarks=PLAN.benchmark_entries,
        trained=trained(CONFIG, compared(CONFIG, MAIN)),
        code=code_hash("figure_training_length"),
    script:
        "../workflow/scripts/figure_training_length.py"


rule figure_response_length:
    input:
        summaries=REPORTS.scores(compared(CONFIG, MAIN)),
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
        code=code_hash("figure_response_length"),
    script:
        "../workflow/scripts/figure_response_length.py"


rule figure_difficulty:
    input:
        scores=REPORTS.measured("difficulty"),
    output:
        pdf="<results>/figures/difficulty.pdf",
        png=report(
            "<results>/figures/difficulty.png",
            caption="../workflow/report/difficulty.rst",
            category="Figures",
        ),
    log:
        "<logs>/figures/difficulty.log",
    conda:
        "../envs/report.yaml"
    params:
        sources=list(CONFIG.sources),
        between=REPORTS.difficulty_bounds,
        code=code_hash("figure_difficulty"),
    script:
        "../workflow/scripts/figure_difficulty.py"


rule figure_source_length:
    input:
        lengths=REPORTS.measured("response_length"),
    output:
        pdf="<results>/figures/source_length.pdf",
        png=report(
            "<results>/figures/source_length.png",
            caption="../workflow/report/source_length.rst",
            category="Figures",
        ),
    log:
        "<logs>/figures/source_length.log",
    conda:
        "../envs/report.yaml"
    params:
        sources=list(CONFIG.sources),
        model=CONFIG.models[CONFIG.response_length.model].name,
        code=code_hash("figure_source_length"),
    script:
        "../workflow/scripts/figure_source_length.py"
