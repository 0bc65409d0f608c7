"""Average score against the mean response length at evaluation."""

from megascience.report.figures.lengths import response_length_figure
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    response_length_figure(snakemake.input.summaries, snakemake.params.benchmarks, list(snakemake.output))
