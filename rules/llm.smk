# What every model stage is made of.
# <stage>_pending counts the requests that a shard's journal does not answer; no stage needs to write it. The model
#   and the checks reach a stage through it. By its number the profiles give GPUs only to jobs that will ask. It is
#   temporary, so that it is counted again for each job that asks, which sets it right for a retry when it has asked.
#   What is newer than the completions behind it makes them stale all the same.
# generate needs: records, prompts, a model. Makes: raw completions and their cost. Its journal
#   (<results>/journal) is not a declared output, since Snakemake deletes those of a failed job.
# parse needs: records, prompts, completions. Makes: kept rows and dropped rows with a reason.
# A stage inherits generate and parse and names itself in <stage>. What they read is said once, in
#   workflow/scripts/megascience/planning/jobs.py.


pathvars:
    stage="stage",


for stage, part in PARTS.items():

    rule:
        name:
            f"{stage}_pending"
        input:
            unpack(counts(stage)),
        output:
            pending=temp(f"<results>/pending/{stage}/{part}.txt"),
        log:
            f"<logs>/{stage}/{part}.pending.log",
        conda:
            "../envs/llm.yaml"
        params:
            settings=asking(stage)["settings"],
            results=lambda wildcards: RESULTS,
        script:
            "../workflow/scripts/pending.py"


rule generate:
    input:
        "set by the stage",
    output:
        completions="<results>/<stage>/{subset}/{shard}.completions.parquet",
        cost="<results>/cost/<stage>/{subset}/{shard}.json",
    log:
        "<logs>/<stage>/{subset}/{shard}.generate.log",
    benchmark:
        "<timings>/<stage>/{subset}/{shard}.generate.tsv"
    conda:
        "../envs/llm.yaml"
    threads: 16
    params:
        settings={},
        model="",
        results=lambda wildcards: RESULTS,
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
