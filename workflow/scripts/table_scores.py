"""Every evaluated model's score on every benchmark, with intervals and counts."""

from megascience.report.tables.scores import read_scores, score_table
from megascience.storage.logs import job_log
from megascience.storage.tables import write_table

with job_log(snakemake.log[0]):
    scores = read_scores(snakemake.input.summaries)
    write_table(score_table(scores, snakemake.params.benchmarks), snakemake.output.table)
