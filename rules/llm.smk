# The two base rules of every model stage. A stage inherits both, names itself in <stage>, and says where
# its records come from.
# generate needs: records, prompts, a model. Makes: raw completions and their cost. Its journal
#   (<results>/journal) is no declared output, since Snakemake deletes those of a failed job.
# parse needs: records, prompts, completions. Makes: kept rows and dropped rows with a reason.


pathvars:
    stage="stage",


rule generate:
    input:
        "set by the stage",
    output:
        completions="<results>/<stage>/{corpus}/{shard}.completions.parquet",
        cost="<results>/cost/<stage>/{corpus}/{shard}.json",
    log:
        "<logs>/<stage>/{corpus}/{shard}.generate.log",
    benchmark:
        "<benchmarks>/<stage>/{corpus}/{shard}.generate.tsv"
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
        kept="<results>/<stage>/{corpus}/{shard}.parquet",
        dropped="<results>/<stage>/{corpus}/{shard}.dropped.parquet",
    log:
        "<logs>/<stage>/{corpus}/{shard}.log",
    conda:
        "../envs/llm.yaml"
    params:
        stage="",
        code="",
    script:
        "../workflow/scripts/parse.py"
