"""Check that every stage adds up, and count its rows."""

from megascience.ingest.books import Book
from megascience.report.conservation import yield_tables
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    yield_tables(
        kept=snakemake.input.kept,
        books=[Book(**row) for row in snakemake.params.books],
        standards=snakemake.params.standards,
        yields=snakemake.output.table,
        reasons=snakemake.output.reasons,
    )
