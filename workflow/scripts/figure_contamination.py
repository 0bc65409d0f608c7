"""Contaminated rows by benchmark."""

from megascience.report.figures.contamination import contamination_figure
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    contamination_figure(
        snakemake.input.table, snakemake.params.benchmarks, snakemake.params.sources, list(snakemake.output)
    )
