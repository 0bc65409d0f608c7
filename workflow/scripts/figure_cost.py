"""Tokens and hours by stage."""

from megascience.report.figures.cost import cost_figure
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    cost_figure(snakemake.input.table, list(snakemake.output))
