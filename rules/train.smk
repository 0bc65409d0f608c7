# Fine-tuning with LLaMA-Factory.
# Needs: a base model and a dataset. Makes: <results>/train/{experiment} (checkpoint, log, loss curve, and
# the rows that are too long for it).


rule train:
    input:
        base=lambda wildcards: manifest(PLAN.experiments[wildcards.experiment].base),
        dataset=lambda wildcards: f"<results>/dataset/{PLAN.experiments[wildcards.experiment].dataset}/train.parquet",
    output:
        manifest="<results>/train/{experiment}/model.json",
        log="<results>/train/{experiment}/trainer_log.jsonl",
        rows="<results>/train/{experiment}/rows.json",
        dropped="<results>/train/{experiment}/dropped.parquet",
        loss=report(
            "<results>/train/{experiment}/training_loss.png",
            caption="../workflow/report/loss.rst",
            category="Training",
            labels={"experiment": "{experiment}"},
        ),
    log:
        "<logs>/train/{experiment}.log",
    benchmark:
        "<timings>/train/{experiment}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 16
    params:
        settings=lambda wildcards: CONFIG.train[
            PLAN.experiments[wildcards.experiment].train
        ].plain(),
        code=code_hash("train"),
    script:
        "../workflow/scripts/train.py"
