"""Read the pages of a shard's books."""

from megascience.ingest.books import Book
from megascience.ingest.pdf.gate import readable_pages
from megascience.ingest.reasons import DIGITIZE_REASONS
from megascience.ingest.schemas import PAGES
from megascience.storage.drops import write_dropped
from megascience.storage.layout import Layout
from megascience.storage.logs import job_log
from megascience.storage.parquet import write_records

with job_log(snakemake.log[0]):
    home = (snakemake.wildcards.discipline,)
    pages, drops = readable_pages(
        [Book(book_id, home, "", path, sha256, "", "") for book_id, path, sha256 in snakemake.params.books],
        snakemake.params.settings,
        snakemake.config["serving"],
        Layout(snakemake.params.results).workspace("digitize", *snakemake.wildcards),
    )
    write_records(snakemake.output.kept, pages, PAGES, {"stage": "digitize"})
    write_dropped(snakemake.output.dropped, "digitize", drops, DIGITIZE_REASONS)
