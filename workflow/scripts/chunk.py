"""Cut the pages of a shard's books into chunks."""

from megascience.chunk import chunk_books, load_tokenizer
from megascience.classify import books_of
from megascience.logs import job_log
from megascience.records import SCHEMAS, read_records, write_dropped, write_records
from megascience.serving import tokenizer_path

with job_log(snakemake.log[0]):
    discipline = snakemake.wildcards.discipline
    chunks, drops = chunk_books(
        pages=[page for path in snakemake.input.pages for page in read_records(path, SCHEMAS["digitize"])],
        book_ids=books_of(discipline, snakemake.params.books, snakemake.input.classified),
        discipline=discipline,
        chunk_tokens=snakemake.params.tokens,
        count_tokens=load_tokenizer(tokenizer_path(snakemake.input.model)),
    )
    write_records(snakemake.output.kept, chunks, SCHEMAS["chunk"], {"stage": "chunk"})
    write_dropped(snakemake.output.dropped, "chunk", drops)
