"""What is left after each stage, by discipline."""

from megascience.report.figures.yields import yield_figure
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    yield_figure(snakemake.input.table, list(snakemake.output))
