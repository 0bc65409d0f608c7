"""Cut the pages of a shard's books into chunks."""

from megascience.ingest.book_excerpts import books_of
from megascience.ingest.chunk import chunk_books, load_tokenizer
from megascience.ingest.reasons import CHUNK_REASONS
from megascience.ingest.schemas import CHUNKS, PAGES
from megascience.models.manifest import tokenizer_path
from megascience.storage.drops import write_dropped
from megascience.storage.logs import job_log
from megascience.storage.parquet import read_records, write_records

with job_log(snakemake.log[0]):
    discipline = snakemake.wildcards.discipline
    chunks, drops = chunk_books(
        pages=[page for path in snakemake.input.pages for page in read_records(path, PAGES)],
        book_ids=books_of(discipline, snakemake.params.books, snakemake.input.classified),
        discipline=discipline,
        chunk_tokens=snakemake.params.tokens,
        count_tokens=load_tokenizer(tokenizer_path(snakemake.input.model)),
    )
    write_records(snakemake.output.kept, chunks, CHUNKS, {"stage": "chunk"})
    write_dropped(snakemake.output.dropped, "chunk", drops, CHUNK_REASONS)
