# Model files and folders.
# Needs: `models` in the config. Makes: <models>/{name}/model.json, the manifest of the files beside it.


rule fetch_model:
    output:
        manifest="<models>/{name}/model.json",
    log:
        "<logs>/fetch_model/{name}.log",
    conda:
        "../envs/llm.yaml"
    params:
        entry=lambda wildcards: {
            key: value
            for key, value in CONFIG.models[wildcards.name].plain().items()
            if key != "base"
        },
    script:
        "../workflow/scripts/fetch_model.py"
