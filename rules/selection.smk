# Which rows are taken, by difficulty, length or chance, and solutions written again.
# Needs: the last rows of a pool. Makes: <results>/difficulty_sample (sampled answers), <results>/difficulty_score
#   (one row a question), <results>/response_length, <results>/select, <results>/annotate.


use rule generate as difficulty_sample_generate with:
    input:
        unpack(asks("difficulty_sample")),
    pathvars:
        stage="difficulty_sample",
    params:
        **asking("difficulty_sample"),
        code=code_hash("generate", stage="difficulty_sample"),


use rule parse as difficulty_sample with:
    input:
        unpack(answers("difficulty_sample")),
    pathvars:
        stage="difficulty_sample",
    params:
        stage="difficulty_sample",
        samples=CONFIG.difficulty_sample.samples,
        code=code_hash("parse", stage="difficulty_sample"),


use rule generate as difficulty_score_generate with:
    input:
        unpack(asks("difficulty_score")),
    pathvars:
        stage="difficulty_score",
    params:
        **asking("difficulty_score"),
        code=code_hash("generate", stage="difficulty_score"),


rule difficulty_score:
    input:
        unpack(answers("difficulty_score")),
    output:
        kept="<results>/difficulty_score/{subset}/{shard}.parquet",
        dropped="<results>/difficulty_score/{subset}/{shard}.dropped.parquet",
    log:
        "<logs>/difficulty_score/{subset}/{shard}.log",
    conda:
        "../envs/llm.yaml"
    params:
        code=code_hash("difficulty_score", stage="difficulty_score"),
    script:
        "../workflow/scripts/difficulty_score.py"


use rule generate as response_length_generate with:
    input:
        unpack(asks("response_length")),
    pathvars:
        stage="response_length",
    params:
        **asking("response_length"),
        code=code_hash("generate", stage="response_length"),


use rule parse as response_length with:
    input:
        unpack(answers("response_length")),
    pathvars:
        stage="response_length",
    params:
        stage="response_length",
        code=code_hash("parse", stage="response_length"),


# One decision over all shards of a pool: ids and numbers in, the dropped rows out.
for selection, entry in CONFIG.selections.items():

    rule:
        name:
            f"select_rank_{selection}"
        input:
            **REPORTS.measures(entry),
            records=REPORTS.taken(selection),
            n=(f"<results>/select/{entry.n}.json" if isinstance(entry.n, str) else []),
        output:
            dropped=PLAN.selected_files(
                selection,
                "select",
                "<results>/{stage}/{subset}/{shard}.dropped.parquet",
            ),
            summary=f"<results>/select/{selection}.json",
        log:
            f"<logs>/select_rank/{selection}.log",
        benchmark:
            f"<timings>/select_rank/{selection}.tsv"
        conda:
            "../envs/curate.yaml"
        params:
            name=selection,
            entry=dict(sorted(entry.plain().items())),
            code=code_hash("select_rank"),
        script:
            "../workflow/scripts/select_rank.py"


rule select:
    input:
        records=records("select"),
        dropped="<results>/select/{subset}/{shard}.dropped.parquet",
    output:
        kept="<results>/select/{subset}/{shard}.parquet",
    log:
        "<logs>/select/{subset}/{shard}.log",
    conda:
        "../envs/curate.yaml"
    params:
        code=code_hash("select_rows"),
    script:
        "../workflow/scripts/select_rows.py"


use rule generate as annotate_generate with:
    input:
        unpack(asks("annotate")),
    pathvars:
        stage="annotate",
    params:
        **asking("annotate"),
        code=code_hash("generate", stage="annotate"),


use rule parse as annotate with:
    input:
        unpack(answers("annotate")),
    pathvars:
        stage="annotate",
    params:
        stage="annotate",
        given=lambda wildcards: PLAN.settings("annotate", wildcards.subset).get(
            "given", {}
        )
        | {"max_response_tokens": CONFIG.annotate.max_response_tokens},
        code=code_hash("parse", stage="annotate"),
