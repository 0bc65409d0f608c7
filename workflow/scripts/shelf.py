"""Check the books of a shard: each there, readable, and the file that the shelf says it is."""

from megascience.ingest.books import check_books
from megascience.planning.shards import BookShards
from megascience.storage.errors import InputError
from megascience.storage.files import write_text
from megascience.storage.logs import job_log

with job_log(snakemake.log[0]):
    config = snakemake.config
    book_shards = BookShards(config["shelf"], config["shards"], config["classify"]["shards"])
    books = book_shards.books_at_home(**snakemake.wildcards)
    faults = check_books(books)
    if faults:
        raise InputError("\n".join(faults))
    write_text(snakemake.output.checked, "".join(f"{book.book_id}\t{book.path}\n" for book in books))
