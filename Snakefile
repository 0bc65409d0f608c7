# From a shelf of textbooks to a dataset, a fine-tuned model and the paper's tables and figures.
# The includes stand in the order of the data.
from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"


report: "workflow/report/workflow.rst"


onstart:
    check_cluster()
    share_servers()


onsuccess:
    advise_another_run()


# On the machine that snakemake runs on, where there is a network: nodes of a cluster may have none.
localrules:
    all,
    dataset_only,
    fetch_model,
    preflight,


rule all:
    default_target: True
    input:
        "<results>/dataset/textbook_reasoning/train.parquet",
        expand("<results>/tables/{table}.tsv", table=REPORTS.tables),
        expand("<results>/figures/{figure}.pdf", figure=REPORTS.figures),


rule dataset_only:
    input:
        "<results>/dataset/textbook_reasoning/train.parquet",
        "<results>/tables/yield.tsv",


include: "rules/models.smk"
include: "rules/digitize.smk"
include: "rules/llm.smk"
include: "rules/classify.smk"
include: "rules/import_source.smk"
include: "rules/extract.smk"
include: "rules/dedup.smk"
include: "rules/refine.smk"
include: "rules/cot.smk"
include: "rules/filter.smk"
include: "rules/decontaminate.smk"
include: "rules/reference.smk"
include: "rules/conservation.smk"
include: "rules/dataset.smk"
include: "rules/selection.smk"
include: "rules/mixture.smk"
include: "rules/train.smk"
include: "rules/evaluate.smk"
include: "rules/paper.smk"
include: "rules/figures.smk"


KNOWN.save()
