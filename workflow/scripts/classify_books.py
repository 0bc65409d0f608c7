"""Show of each book of a shard its title, its contents and some pages."""

from megascience.ingest.book_excerpts import book_records
from megascience.ingest.books import Book
from megascience.ingest.schemas import BOOKS, PAGES
from megascience.storage.logs import job_log
from megascience.storage.parquet import read_records, write_records

with job_log(snakemake.log[0]):
    rows = book_records(
        read_records(snakemake.input.pages, PAGES),
        [Book(**row) for row in snakemake.params.books],
        snakemake.params.offered,
        **snakemake.params.shown,
    )
    write_records(snakemake.output.books, rows, BOOKS, {"stage": "classify"})
