"""Scores of the models on the benchmarks."""

from megascience.report.figures.scores import score_figure
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    score_figure(snakemake.input.summaries, snakemake.params.benchmarks, list(snakemake.output))
