"""Requests, tokens, time and money by stage and model."""

from megascience.report.tables.cost import cost_table
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    cost_table(snakemake.input.costs, snakemake.params.prices).write(snakemake.output.table)
