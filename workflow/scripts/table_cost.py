"""Requests, tokens, time and money by stage and model."""

from megascience.logs import job_log
from megascience.tables.cost import cost_table

with job_log(snakemake.log[0]):
    cost_table(snakemake.input.costs, snakemake.params.prices).write(snakemake.output.table)
