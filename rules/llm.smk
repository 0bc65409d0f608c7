# The two base rules of every model stage. A stage inherits both, names itself in <stage>, and says where
# its records come from.
# missing, which no stage needs to inherit, counts the requests that a shard's journal does not answer: by its
#   number the profiles give GPUs only to jobs that will ask. It is temporary, so that it is counted anew, and
#   generate sets it right when it has asked, for a retry of a job that died later.
# generate needs: records, prompts, a model. Makes: raw completions and their cost. Its journal
#   (<results>/journal) is no declared output, since Snakemake deletes those of a failed job.
# parse needs: records, prompts, completions. Makes: kept rows and dropped rows with a reason.


pathvars:
    stage="stage",


rule missing:
    input:
        unpack(requests),
    output:
        missing=temp("<results>/missing/{stage}/{subset}/{shard}.txt"),
    log:
        "<logs>/{stage}/{subset}/{shard}.missing.log",
    conda:
        "../envs/llm.yaml"
    params:
        settings=lambda wildcards: PLAN.settings(wildcards.stage, wildcards.subset),
    script:
        "../workflow/scripts/missing.py"


rule generate:
    input:
        "set by the stage",
    output:
        completions="<results>/<stage>/{subset}/{shard}.completions.parquet",
        cost="<results>/cost/<stage>/{subset}/{shard}.json",
    log:
        "<logs>/<stage>/{subset}/{shard}.generate.log",
    benchmark:
        "<benchmarks>/<stage>/{subset}/{shard}.generate.tsv"
    conda:
        "../envs/llm.yaml"
    threads: 16
    params:
        settings={},
        code="",
    script:
        "../workflow/scripts/generate.py"


rule parse:
    input:
        "set by the stage",
    output:
        kept="<results>/<stage>/{subset}/{shard}.parquet",
        dropped="<results>/<stage>/{subset}/{shard}.dropped.parquet",
    log:
        "<logs>/<stage>/{subset}/{shard}.log",
    conda:
        "../envs/llm.yaml"
    params:
        stage="",
        code="",
    script:
        "../workflow/scripts/parse.py"
