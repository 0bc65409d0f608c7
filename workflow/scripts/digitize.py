"""Read the pages of a shard's books."""

from megascience.ingest.books import Book
from megascience.ingest.pdf.digitize import digitize
from megascience.ingest.reasons import DIGITIZE_REASONS
from megascience.ingest.schemas import PAGES
from megascience.storage.drops import write_dropped
from megascience.storage.layout import Layout
from megascience.storage.logs import job_log
from megascience.storage.parquet import write_records

with job_log(snakemake.log[0]):
    settings, place = snakemake.params.settings, snakemake.config["serving"]
    engine = settings["engine"]
    home = (snakemake.wildcards.discipline,)
    pages, drops = digitize(
        [Book(book_id, home, "", path, sha256, "", "") for book_id, path, sha256 in snakemake.params.books],
        engine,
        {**settings[engine], **place.get(engine, {})},
        Layout(snakemake.params.results).workspace("digitize", *snakemake.wildcards),
    )
    write_records(snakemake.output.kept, pages, PAGES, {"stage": "digitize"})
    write_dropped(snakemake.output.dropped, "digitize", drops, DIGITIZE_REASONS)
