"""Every evaluated model's score on every benchmark, with intervals and counts."""

from megascience.report.tables.scores import read_scores, score_table
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    scores = read_scores(snakemake.input.summaries)
    score_table(scores, snakemake.params.benchmarks).write(snakemake.output.table)
