"""Scores of the models on the benchmarks."""

from megascience.figures.scores import score_figure
from megascience.logs import job_log

with job_log(snakemake.log[0]):
    score_figure(snakemake.input.summaries, snakemake.params.benchmarks, list(snakemake.output))
