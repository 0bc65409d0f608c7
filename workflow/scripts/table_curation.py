"""The pairs left after each step of the textbooks' curation."""

from megascience.report.tables.counts import curation_table
from megascience.report.tables.paper import read_paper
from megascience.storage.logs import job_log
from megascience.storage.tables import write_table

with job_log(snakemake.log[0]):
    table = curation_table(snakemake.input.yields, read_paper(snakemake.input.paper or None))
    for path in snakemake.output:
        write_table(table, path)
