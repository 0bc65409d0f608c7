"""Tokens and hours by stage."""

from megascience.figures.cost import cost_figure
from megascience.logs import job_log

with job_log(snakemake.log[0]):
    cost_figure(snakemake.input.table, list(snakemake.output))
