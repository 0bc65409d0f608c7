"""The rows of a mixture's sources after each step."""

from megascience.report.tables.counts import Part, sources_table
from megascience.report.tables.paper import read_paper
from megascience.storage.logs import job_log
from megascience.storage.tables import write_table

with job_log(snakemake.log[0]):
    selected = iter(snakemake.input.selected)
    parts = [
        Part(pool, yields, next(selected) if selection else None)
        for (pool, selection), yields in zip(snakemake.params.parts, snakemake.input.yields, strict=True)
    ]
    paper = read_paper(snakemake.input.paper or None)
    table = sources_table(snakemake.wildcards.mixture, parts, snakemake.input.mixed, paper)
    for path in snakemake.output:
        write_table(table, path)
