"""Show of each book of a shard its title, its contents and some pages."""

from megascience.classify import book_records
from megascience.logs import job_log
from megascience.records import SCHEMAS, read_records, write_records
from megascience.shelf import Book

with job_log(snakemake.log[0]):
    rows = book_records(
        read_records(snakemake.input.pages, SCHEMAS["digitize"]),
        [Book(**row) for row in snakemake.params.books],
        snakemake.params.offered,
        **snakemake.params.shown,
    )
    write_records(snakemake.output.books, rows, SCHEMAS["classify_books"], {"stage": "classify"})
