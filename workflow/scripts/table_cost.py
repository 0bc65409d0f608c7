"""Requests, tokens, time and money by stage and model."""

from megascience.report.tables.cost import cost_table
from megascience.storage.logs import job_log
from megascience.storage.tables import write_table

with job_log(snakemake.log[0]):
    write_table(cost_table(snakemake.input.costs, snakemake.params.prices), snakemake.output.table)
