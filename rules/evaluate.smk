# The benchmarks, before and after fine-tuning.
# Needs: <results>/benchmarks and a model or a checkpoint. Makes: <results>/evaluate/{model}.
# One engine session serves all benchmarks of a model.


use rule generate as evaluate_generate with:
    input:
        unpack(asks("evaluate")),
    output:
        completions="<results>/evaluate/{model}/completions.parquet",
        cost="<results>/cost/evaluate/{model}.json",
    log:
        "<logs>/evaluate/{model}.generate.log",
    benchmark:
        "<timings>/evaluate/{model}.generate.tsv"
    params:
        **asking("evaluate"),
        code=code_hash("generate", stage="evaluate"),


rule evaluate:
    input:
        benchmarks=expand(
            "<results>/benchmarks/{benchmark}.parquet", benchmark=PLAN.benchmarks
        ),
        prompts=lambda wildcards: [
            by_content(path)
            for path in PLAN.prompts("evaluate", evaluated=wildcards.model)
        ],
        completions="<results>/evaluate/{model}/completions.parquet",
    output:
        rows=expand(
            "<results>/evaluate/{{model}}/{benchmark}.parquet",
            benchmark=PLAN.benchmarks,
        ),
        summaries=expand(
            "<results>/evaluate/{{model}}/{benchmark}.json", benchmark=PLAN.benchmarks
        ),
    log:
        "<logs>/evaluate/{model}.log",
    conda:
        "../envs/curate.yaml"
    params:
        preset=CONFIG.evaluate.preset,
        entries=[
            {key: PLAN.benchmark_entries[name][key] for key in ("metric", "kind")}
            for name in PLAN.benchmarks
        ],
        code=code_hash("evaluate"),
    script:
        "../workflow/scripts/evaluate.py"
