"""The pairs left after each step of the textbooks' curation."""

from megascience.logs import job_log
from megascience.tables.counts import curation_table
from megascience.tables.paper import read_paper

with job_log(snakemake.log[0]):
    table = curation_table(snakemake.input.yields, read_paper(snakemake.input.paper or None))
    for path in snakemake.output:
        table.write(path)
